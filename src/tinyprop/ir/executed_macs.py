"""How many multiply-adds the engine's kernels really execute, as opposed to the plain cost on paper (`Op.macs`).

Taps on padding are never executed. A pooled layer's backward pass goes only through the winners of its pool. With
`skip_zeros`, zero inputs of a dense layer and zero entries of δ are left out too. Biases are not counted.
"""

import numpy as np

from tinyprop.errors import InternalError
from tinyprop.ir.op import Array, Forward, LayerOp
from tinyprop.ir.ops.conv2d import Conv2d, ConvKernels
from tinyprop.ir.ops.conv2d_max_pool import Conv2dMaxPool
from tinyprop.ir.ops.dense import Dense
from tinyprop.ir.ops.scale_shift import ScaleShift
from tinyprop.ir.train_program import BackwardStep, TrainProgram


def forward_macs(op: LayerOp, x: Array, ran: Forward, skip_inputs: bool) -> int:
    """Multiply-adds of the forward kernel on input `x`."""
    match op:
        case Dense():
            return op.outputs * _visited(x, skip_inputs)
        case Conv2d():
            return op.out_channels * op.group_inputs * int(op.taps_inside(x.shape).sum())
        case Conv2dMaxPool(conv=conv, pool=pool):
            rows, columns = (count * size for count, size in zip(ran.y.shape[1:], pool.kernel, strict=True))
            return conv.out_channels * conv.group_inputs * int(conv.taps_inside(x.shape)[:rows, :columns].sum())
        case ScaleShift():
            return x.size
    raise InternalError(f"no count of executed multiply-adds for operator '{op.kind}'")


def backward_macs(step: BackwardStep, x: Array, delta: Array, kept: int, ran: Forward, train: TrainProgram) -> int:
    """Multiply-adds of the backward kernels of one layer: of the error if it propagates, of a weight that learns.

    delta: after selection, as stored; kept: how many of its entries the selection says it kept.
    """
    skip_zeros = train.spec.skip_zeros
    if step.selection is None:
        kept = int(np.count_nonzero(delta))
    match step.node.op:
        case Dense() as op:
            return _dense_backward(op, step, x, delta, kept, train)
        case Conv2d() as op:
            return _unpooled_backward(op, step, x, delta, kept, skip_zeros)
        case Conv2dMaxPool(conv=conv, pool=pool):
            assert ran.aux is not None
            return _products(step) * _conv_backward(conv, x, delta, pool.places(ran.aux), skip_zeros)
        case ScaleShift():
            tested = skip_zeros and step.learns_weight  # the error alone is a product, as cheap as a test
            return _products(step) * (int(np.count_nonzero(delta)) if tested else delta.size)
    raise InternalError(f"no count of executed multiply-adds for operator '{step.node.op.kind}'")


def _dense_backward(op: Dense, step: BackwardStep, x: Array, delta: Array, kept: int, train: TrainProgram) -> int:
    # Few columns run as a list; otherwise, or with a frozen weight, whole rows are run.
    listed = train.skips_zeros_of(step) and step.learns_weight and list_pays(kept, op.outputs)
    columns = int(np.count_nonzero(delta)) if listed else op.outputs
    # One pass serves error and update, so it can leave out an input only if neither needs it.
    rows = _visited(x, train.skips_zeros_in(step.node) and (step.mask_input or not step.propagate))
    return _products(step) * columns * rows


def _unpooled_backward(conv: Conv2d, step: BackwardStep, x: Array, delta: Array, kept: int, skip_zeros: bool) -> int:
    if kept >= delta.size:  # the rule kept all of δ and has not counted its zeros: the kernels do
        kept = int(np.count_nonzero(delta))
    everywhere = tuple(np.asarray(i) for i in np.indices(delta.shape))
    left = _conv_backward(conv, x, delta, everywhere, skip_zeros)
    every = _conv_backward(conv, x, delta, everywhere, skip_zeros=False)
    error = update = left
    match conv.kernels(x.shape):
        case ConvKernels.DEPTHWISE_THREE_BY_THREE:  # errors gather every product, zero or not
            error = every
        case ConvKernels.DEPTHWISE:  # and so do gradients
            error = update = every
        case ConvKernels.POINTWISE if not list_pays(kept, delta.size):
            error = update = every
        case ConvKernels.THREE_BY_THREE if not windows_pay(kept, delta.size):
            update = every
    return int(step.propagate) * error + int(step.learns_weight) * update


def list_pays(kept: int, size: int) -> bool:
    """Whether so few entries of δ are kept that kernels list them, as `tp_list_pays` says; else they take them all."""
    return 3 * kept < 2 * size


def windows_pay(kept: int, size: int) -> bool:
    """The same, as `tp_windows_pay` says."""
    return 9 * kept < 5 * size


def _conv_backward(conv: Conv2d, x: Array, delta: Array, places: tuple[Array, ...], skip_zeros: bool) -> int:
    """places: channel, row and column before pooling of each stored entry of δ."""
    executed = delta != 0 if skip_zeros else np.ones(delta.shape, bool)
    return conv.group_inputs * int(conv.taps_inside(x.shape)[places[1], places[2]][executed].sum())


def _products(step: BackwardStep) -> int:
    """How many products each kept entry enters into per tap: for the error below, for the weight gradient."""
    return int(step.propagate) + int(step.learns_weight)


def _visited(x: Array, skip_inputs: bool) -> int:
    """Inputs of a dense layer that are computed with; the kernels take -0 for one of them (`tp_is_plus_zero`)."""
    return int(np.count_nonzero((x != 0) | np.signbit(x))) if skip_inputs else x.size
