"""aten.conv2d → Conv2d."""

from tinyprop.frontend.aten_call import AtenCall, shape_of
from tinyprop.frontend.lowering import Lowering, Unsupported
from tinyprop.ir.ops.conv2d import Conv2d


def lower_conv2d(call: AtenCall, lowering: Lowering) -> None:
    """Stride and zero padding of any size; groups, dilation and uneven 'same' padding are refused."""
    lowering.tensor(call["input"])
    if len(shape_of(call["input"])) != 4:
        raise Unsupported("its input has no batch dimension; pass example_input of shape (1, C, H, W), such as x[None]")
    out_channels, in_channels, height, width = shape_of(call["weight"])
    reasons = []
    if call["groups"] != 1:
        reasons.append(f"groups={call['groups']} is not supported; use an ordinary convolution with groups=1")
    if call.pair("dilation") != (1, 1):
        reasons.append(f"dilation={call.pair('dilation')} is not supported; use a larger kernel with dilation=1")
    padding = _padding(call, (height, width))
    if padding is None:
        reasons.append(f"padding='same' of the even kernel {(height, width)} is uneven; use an odd kernel")
    if reasons or padding is None:
        raise Unsupported(*reasons)
    parameters = tuple(lowering.parameter(p) for p in (call["weight"], call["bias"]) if p is not None)
    op = Conv2d(in_channels, out_channels, (height, width), call.pair("stride"), padding, bias=call["bias"] is not None)
    lowering.emit(call.node, op, parameters)


def _padding(call: AtenCall, kernel: tuple[int, int]) -> tuple[int, int] | None:
    """Rows and columns of zeros on either side; None when the two sides would differ."""
    if call["padding"] == "valid":
        return (0, 0)
    if call["padding"] == "same":
        return (kernel[0] // 2, kernel[1] // 2) if kernel[0] % 2 and kernel[1] % 2 else None
    return call.pair("padding")
