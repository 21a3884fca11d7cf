"""A layer → ReLU becomes a layer that ends in a ReLU."""

from dataclasses import replace

from tinyprop.ir.graph import Program
from tinyprop.ir.op import Op, Shape
from tinyprop.ir.ops.conv2d import Conv2d
from tinyprop.ir.ops.conv2d_max_pool import Conv2dMaxPool
from tinyprop.ir.ops.dense import Dense
from tinyprop.ir.ops.relu import ReLU
from tinyprop.ir.ops.scale_shift import ScaleShift
from tinyprop.ir.passes.chain import fuse_pairs


def fuse_relu(program: Program) -> Program:
    """`program` with every ReLU directly behind a layer merged into it."""
    return fuse_pairs(program, _fuse)


def _fuse(first: Op, second: Op, _shape: Shape) -> Op | None:
    if not isinstance(second, ReLU):
        return None
    if isinstance(first, Dense | Conv2d | ScaleShift):
        return replace(first, relu=True)
    if isinstance(first, Conv2dMaxPool):
        return replace(first, conv=replace(first.conv, relu=True))
    return None
