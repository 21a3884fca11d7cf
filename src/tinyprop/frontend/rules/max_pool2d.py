"""aten.max_pool2d → MaxPool2d."""

from tinyprop.frontend.aten_call import AtenCall
from tinyprop.frontend.lowering import Lowering, Unsupported
from tinyprop.ir.ops.max_pool2d import MaxPool2d


def lower_max_pool2d(call: AtenCall, lowering: Lowering) -> None:
    """Any window up to 255 elements, stride and padding; dilation and ceil_mode are refused."""
    lowering.tensor(call["self"])
    reasons = []
    if call["ceil_mode"]:
        reasons.append("ceil_mode=True is not supported; use ceil_mode=False, and padding if the border matters")
    if call.pair("dilation") != (1, 1):
        reasons.append(f"dilation={call.pair('dilation')} is not supported; use dilation=1")
    if reasons:
        raise Unsupported(*reasons)
    kernel = call.pair("kernel_size")
    stride = call.pair("stride") if call["stride"] else kernel
    lowering.emit(call.node, MaxPool2d(kernel, stride, call.pair("padding")))
