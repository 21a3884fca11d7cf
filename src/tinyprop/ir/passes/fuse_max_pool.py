"""Conv2d → MaxPool2d becomes Conv2dMaxPool where the windows tile the map: the un-pooled map is never stored."""

from tinyprop.ir.graph import Program
from tinyprop.ir.op import Op
from tinyprop.ir.ops.conv2d import Conv2d
from tinyprop.ir.ops.conv2d_max_pool import Conv2dMaxPool
from tinyprop.ir.ops.max_pool2d import MaxPool2d
from tinyprop.ir.passes.chain import fuse_pairs


def fuse_max_pool(program: Program) -> Program:
    """`program` with every convolution merged with the tiling max pool behind it, its fused ReLU included."""
    return fuse_pairs(program, _fuse)


def _fuse(first: Op, second: Op) -> Op | None:
    if isinstance(first, Conv2d) and isinstance(second, MaxPool2d) and Conv2dMaxPool.can_fuse(second):
        return Conv2dMaxPool(first, second)
    return None
