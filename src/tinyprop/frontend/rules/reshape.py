"""flatten, view, reshape, squeeze and their like, which keep the order of the elements, → Reshape."""

from tinyprop.frontend.aten_call import AtenCall
from tinyprop.frontend.lowering import Lowering, Unsupported
from tinyprop.ir.ops.reshape import Reshape


def lower_reshape(call: AtenCall, lowering: Lowering) -> None:
    """To any shape (1, …); a reshape that changes nothing vanishes."""
    value = lowering.tensor(call["self"])
    if len(call.shape) < 2 or call.shape[0] != 1:
        raise Unsupported(
            f"{call.operator} from {(1, *value.shape)} to {call.shape} is not supported; keep the batch of 1 as the "
            f"first dimension, as x.flatten(1) does"
        )
    if call.shape == (1, *value.shape):
        lowering.alias(call.node, value)
    else:
        lowering.emit(call.node, Reshape(call.shape[1:]))
