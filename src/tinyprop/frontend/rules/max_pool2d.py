"""aten.max_pool2d and max_pool1d → MaxPool2d."""

from tinyprop.frontend.aten_call import AtenCall
from tinyprop.frontend.lowering import Lowering, Unsupported
from tinyprop.frontend.rules.signal import emit_on_map
from tinyprop.ir.ops.max_pool2d import MaxPool2d


def lower_max_pool(call: AtenCall, lowering: Lowering) -> None:
    """Any window up to 255 elements, stride and padding; dilation and ceil_mode are refused."""
    shape = lowering.tensor(call["self"]).shape
    reasons = []
    if call["ceil_mode"]:
        reasons.append("ceil_mode=True is not supported; use ceil_mode=False, and padding if the border matters")
    if call.window("dilation") != (1, 1):
        reasons.append(f"dilation={call.window('dilation')} is not supported; use dilation=1")
    if reasons:
        raise Unsupported(*reasons)
    kernel = call.window("kernel_size")
    stride = call.window("stride") if call["stride"] else kernel
    emit_on_map(call, lowering, shape, MaxPool2d(kernel, stride, call.window("padding", fill=0)))
