"""Average pools of feature maps and signals, adaptive ones and means over whole axes among them → AvgPool2d."""

from collections.abc import Sequence

from tinyprop.frontend.aten_call import AtenCall
from tinyprop.frontend.lowering import Lowering, Unsupported
from tinyprop.frontend.rules.signal import as_map, emit_on_map
from tinyprop.ir.ops.avg_pool2d import AvgPool2d


def lower_avg_pool(call: AtenCall, lowering: Lowering) -> None:
    """avg_pool2d and avg_pool1d; ceil_mode and divisor_override are refused."""
    shape = lowering.tensor(call["self"]).shape
    reasons = []
    if call["ceil_mode"]:
        reasons.append("ceil_mode=True is not supported; use ceil_mode=False, and padding if the border matters")
    if call.arguments.get("divisor_override") is not None:
        reasons.append("divisor_override is not supported; leave it out")
    if reasons:
        raise Unsupported(*reasons)
    kernel = call.window("kernel_size")
    stride = call.window("stride") if call["stride"] else kernel
    emit_on_map(
        call, lowering, shape, AvgPool2d(kernel, stride, call.window("padding", fill=0), call["count_include_pad"])
    )


def lower_adaptive_avg_pool(call: AtenCall, lowering: Lowering) -> None:
    """adaptive_avg_pool2d and adaptive_avg_pool1d to sizes of which each divides the map's."""
    shape = lowering.tensor(call["self"]).shape
    size, wanted = as_map(shape)[1:], call.window("output_size")
    if any(have % want for have, want in zip(size, wanted, strict=True)):
        raise Unsupported(
            f"an adaptive average pool from {size} to {wanted} has windows of unequal size; "
            f"choose an output size that divides the map's, such as 1"
        )
    kernel = (size[0] // wanted[0], size[1] // wanted[1])
    emit_on_map(call, lowering, shape, AvgPool2d(kernel, kernel))


def lower_mean(call: AtenCall, lowering: Lowering) -> None:
    """The mean over one or both axes behind the channels, kept with size 1 or not."""
    shape = lowering.tensor(call["self"]).shape
    axes = _axes(call.arguments.get("dim"), 1 + len(shape))
    if len(shape) not in (2, 3) or not axes or min(axes) < 2:
        raise Unsupported(
            f"a mean over dimensions {call.arguments.get('dim')} of {(1, *shape)} is not supported; "
            f"average a feature map (1, C, H, W) over dimensions 2 and 3, or a signal (1, C, L) over 2"
        )
    *_, height, width = (1, *(size if axis in axes else 1 for axis, size in enumerate(shape[1:], 2)))
    kernel = (height, width)
    emit_on_map(call, lowering, shape, AvgPool2d(kernel, kernel))


def _axes(dim: int | Sequence[int] | None, rank: int) -> set[int]:
    """The dimensions that `dim` names, counted from 0; all where it is None."""
    if dim is None:
        return set(range(rank))
    return {axis % rank for axis in ([dim] if isinstance(dim, int) else dim)}
