"""aten.conv2d and conv1d → Conv2d; a signal of length L is a feature map of height 1."""

from tinyprop.frontend.aten_call import AtenCall, shape_of
from tinyprop.frontend.lowering import Lowering, Unsupported
from tinyprop.frontend.rules.signal import emit_on_map
from tinyprop.ir.ops.conv2d import Conv2d, Pair


def lower_convolution(call: AtenCall, lowering: Lowering) -> None:
    """Stride, zero padding, dilation and groups of any size; uneven 'same' padding is refused."""
    shape = lowering.tensor(call["input"]).shape
    weight_shape = shape_of(call["weight"])
    if len(shape_of(call["input"])) != len(weight_shape):
        sizes = "(1, C, H, W)" if len(weight_shape) == 4 else "(1, C, L)"
        raise Unsupported(f"its input has no batch dimension; pass example_input of shape {sizes}, such as x[None]")
    out_channels, group_inputs, *kernel_sizes = weight_shape
    kernel = (1, kernel_sizes[0]) if len(kernel_sizes) == 1 else (kernel_sizes[0], kernel_sizes[1])
    dilation = call.window("dilation")
    padding = _padding(call, kernel, dilation)
    parameters = tuple(lowering.parameter(p) for p in (call["weight"], call["bias"]) if p is not None)
    op = Conv2d(
        in_channels=group_inputs * call["groups"],
        out_channels=out_channels,
        kernel=kernel,
        stride=call.window("stride"),
        padding=padding,
        bias=call["bias"] is not None,
        dilation=dilation,
        groups=call["groups"],
        signal=len(kernel_sizes) == 1,
    )
    emit_on_map(call, lowering, shape, op, parameters)


def _padding(call: AtenCall, kernel: Pair, dilation: Pair) -> Pair:
    """Rows and columns of zeros on either side; what 'same' asks for is refused where the two sides would differ."""
    if call["padding"] == "valid":
        return (0, 0)
    if call["padding"] != "same":
        return call.window("padding", fill=0)
    both_sides = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if any(zeros % 2 for zeros in both_sides):
        raise Unsupported(f"padding='same' of the even kernel {kernel} is uneven; use an odd kernel")
    return (both_sides[0] // 2, both_sides[1] // 2)
