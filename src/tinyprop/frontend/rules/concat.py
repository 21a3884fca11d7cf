"""aten.cat → Concat."""

from tinyprop.frontend.aten_call import AtenCall
from tinyprop.frontend.lowering import Lowering, Unsupported
from tinyprop.ir.ops.concat import Concat


def lower_concat(call: AtenCall, lowering: Lowering) -> None:
    """Along the channels (of a vector: its only axis), that is dimension 1 in torch."""
    if call["dim"] % len(call.shape) != 1:
        raise Unsupported(
            f"{call.operator} along dimension {call['dim']} is not supported; use dimension 1, that of the channels"
        )
    values = [lowering.tensor(tensor) for tensor in call["tensors"]]
    if len(values) == 1:
        lowering.alias(call.node, values[0])
    else:
        lowering.emit(call.node, Concat())
