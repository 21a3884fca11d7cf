"""Reshape → elementwise operator: the operator first, so that it meets the layer that the reshape stood behind.

A signal (C, L) runs through a convolution as a map (C, 1, L), with a reshape before and one behind it.
"""

from tinyprop.ir.graph import Program
from tinyprop.ir.op import Op, PassOp
from tinyprop.ir.ops.reshape import Reshape
from tinyprop.ir.passes.chain import swap_pairs


def lift_over_reshape(program: Program) -> Program:
    """`program` with every elementwise operator without parameters in front of the reshape that it stood behind."""
    return swap_pairs(program, _may_swap)


def _may_swap(first: Op, second: Op) -> bool:
    return isinstance(first, Reshape) and isinstance(second, PassOp) and second.elementwise
