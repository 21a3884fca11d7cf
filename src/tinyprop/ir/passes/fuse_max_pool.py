"""Conv2d → MaxPool2d becomes Conv2dMaxPool where that is faster: the un-pooled map is never stored."""

from tinyprop.ir.graph import Program
from tinyprop.ir.op import Op, Shape
from tinyprop.ir.ops.conv2d import Conv2d, ConvKernels
from tinyprop.ir.ops.conv2d_max_pool import Conv2dMaxPool
from tinyprop.ir.ops.max_pool2d import MaxPool2d
from tinyprop.ir.passes.chain import fuse_pairs

# Whose own kernels, without a pool, are no faster than the general ones with it.
NO_FASTER_APART = (ConvKernels.GENERAL, ConvKernels.POINTWISE)


def fuse_max_pool(program: Program) -> Program:
    """`program` with convolutions merged with the tiling max pool behind them, a fused ReLU included.

    Only where the pool has blocked kernels, or the convolution none that are faster without it (decision 36).
    """
    return fuse_pairs(program, _fuse)


def _fuse(first: Op, second: Op, shape: Shape) -> Op | None:
    if isinstance(first, Conv2d) and isinstance(second, MaxPool2d) and Conv2dMaxPool.can_fuse(second):
        fused = Conv2dMaxPool(first, second)
        if fused.blocked(shape) or first.kernels(shape) in NO_FASTER_APART:
            return fused
    return None
