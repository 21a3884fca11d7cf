"""aten.conv2d and conv1d → Conv2d; a signal of length L is a feature map of height 1."""

from tinyprop.frontend.aten_call import AtenCall, shape_of
from tinyprop.frontend.lowering import Lowering, Unsupported
from tinyprop.frontend.rules.signal import emit_on_map
from tinyprop.ir.ops.conv2d import Border, Conv2d, Pair


def lower_convolution(call: AtenCall, lowering: Lowering) -> None:
    """Stride, zero padding, dilation and groups of any size; a pad in front becomes part of it."""
    source, padded = lowering.unpadded(call["input"])
    shape = lowering.tensor(source).shape
    weight_shape = shape_of(call["weight"])
    if len(shape_of(call["input"])) != len(weight_shape):
        sizes = "(1, C, H, W)" if len(weight_shape) == 4 else "(1, C, L)"
        raise Unsupported(f"its input has no batch dimension; pass example_input of shape {sizes}, such as x[None]")
    out_channels, group_inputs, *kernel_sizes = weight_shape
    kernel = (1, kernel_sizes[0]) if len(kernel_sizes) == 1 else (kernel_sizes[0], kernel_sizes[1])
    dilation = call.window("dilation")
    own = _border(call, kernel, dilation)
    (top, bottom), (left, right) = (
        (before + more_before, after + more_after)
        for (before, after), (more_before, more_after) in zip(own, padded, strict=True)
    )
    parameters = tuple(lowering.parameter(p) for p in (call["weight"], call["bias"]) if p is not None)
    op = Conv2d(
        in_channels=group_inputs * call["groups"],
        out_channels=out_channels,
        kernel=kernel,
        stride=call.window("stride"),
        padding=(top, left),
        bias=call["bias"] is not None,
        dilation=dilation,
        groups=call["groups"],
        signal=len(kernel_sizes) == 1,
        trailing=None if (bottom, right) == (top, left) else (bottom, right),
    )
    emit_on_map(call, lowering, shape, op, parameters)


def _border(call: AtenCall, kernel: Pair, dilation: Pair) -> Border:
    """The zeros it asks for; of an uneven 'same' more lie behind than in front, as in PyTorch."""
    if call["padding"] == "same":
        (height, width) = (d * (k - 1) for k, d in zip(kernel, dilation, strict=True))
        return ((height // 2, height - height // 2), (width // 2, width - width // 2))
    rows, columns = (0, 0) if call["padding"] == "valid" else call.window("padding", fill=0)
    return ((rows, rows), (columns, columns))
