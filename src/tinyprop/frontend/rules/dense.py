"""aten.linear, and the matrix products that mean the same, → Dense."""

from torch import fx

from tinyprop.frontend.aten_call import AtenCall, shape_of
from tinyprop.frontend.lowering import Lowering, Unsupported
from tinyprop.ir.ops.dense import Dense


def lower_linear(call: AtenCall, lowering: Lowering) -> None:
    """linear(x, weight, bias)."""
    _emit(call, lowering, call["input"], call["weight"], call["bias"])


def lower_addmm(call: AtenCall, lowering: Lowering) -> None:
    """addmm(bias, x, weight.t())."""
    if call["alpha"] != 1 or call["beta"] != 1:
        raise Unsupported("addmm with alpha or beta is not supported; use nn.Linear instead")
    _emit(call, lowering, call["mat1"], _weight(call["mat2"], lowering), call["self"])


def lower_matmul(call: AtenCall, lowering: Lowering) -> None:
    """matmul(x, weight.t()), mm alike."""
    second = call["other"] if "other" in call.arguments else call["mat2"]
    _emit(call, lowering, call["self"], _weight(second, lowering), None)


def note_transpose(call: AtenCall, lowering: Lowering) -> None:
    """The transpose of a weight; feature maps keep their order of dimensions."""
    source = call["self"]
    if not lowering.is_parameter(source) or call.shape != shape_of(source)[::-1]:
        raise Unsupported(f"{call.operator} of a feature map is not supported; keep the order (batch, C, H, W)")
    lowering.note_transposed(call.node, source)


def _weight(view: object, lowering: Lowering) -> fx.Node:
    source = lowering.transposed_source(view)
    if source is None:
        raise Unsupported("a product with anything but the transpose of a parameter is not supported; use nn.Linear")
    return source


def _emit(call: AtenCall, lowering: Lowering, x: object, weight: fx.Node, bias: object) -> None:
    shape = lowering.tensor(x).shape
    if len(shape) != 1:
        raise Unsupported(f"a linear layer over one axis of {(1, *shape)} is not supported; put nn.Flatten before it")
    parameters = tuple(lowering.parameter(p) for p in (weight, bias) if p is not None)
    outputs, inputs = shape_of(weight)
    lowering.emit(call.node, Dense(inputs, outputs, bias=bias is not None), parameters=parameters)
