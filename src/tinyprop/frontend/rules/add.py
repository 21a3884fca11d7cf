"""aten.add of two tensors → Add."""

from torch import fx

from tinyprop.frontend.aten_call import AtenCall
from tinyprop.frontend.lowering import Lowering, Unsupported
from tinyprop.ir.ops.add import Add


def lower_add(call: AtenCall, lowering: Lowering) -> None:
    """Two tensors of one shape; a constant, a parameter or broadcasting is refused.

    A module that counts its calls in a buffer, as a batch norm does in training mode, changes no output by that.
    """
    if call.operator == "add_" and lowering.is_buffer(call["self"]) and not call.node.users:
        return
    operands = (call["self"], call["other"])
    if any(not isinstance(operand, fx.Node) or lowering.is_parameter(operand) for operand in operands):
        raise Unsupported("adding a number or a parameter is not supported; use nn.Linear with bias=True for a bias")
    if call.arguments.get("alpha", 1) != 1:
        raise Unsupported(f"alpha={call['alpha']} is not supported; scale the weights of the layer instead")
    for operand in operands:
        lowering.tensor(operand)
    lowering.emit(call.node, Add())
