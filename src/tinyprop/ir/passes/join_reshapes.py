"""Reshape → reshape becomes one, and none where the shape is the old one again."""

from tinyprop.ir.graph import Program
from tinyprop.ir.op import Op, Shape, UnaryOp
from tinyprop.ir.ops.reshape import Reshape
from tinyprop.ir.passes.chain import fuse_pairs


def join_reshapes(program: Program) -> Program:
    """`program` without reshapes of reshapes, and without those that change nothing behind an operator of one input."""
    return fuse_pairs(program, _fuse)


def _fuse(first: Op, second: Op, shape: Shape) -> Op | None:
    if not isinstance(first, UnaryOp) or not isinstance(second, Reshape):
        return None
    before = first.output_shape(shape)
    if second.output_shape(before) == before:
        return first
    return second if isinstance(first, Reshape) else None
