"""flatten, view and reshape that turn a feature map into a vector → Flatten."""

import math

from tinyprop.frontend.aten_call import AtenCall
from tinyprop.frontend.lowering import Lowering, Unsupported
from tinyprop.ir.ops.flatten import Flatten


def lower_reshape(call: AtenCall, lowering: Lowering) -> None:
    """To (1, N); a reshape that changes nothing vanishes."""
    value = lowering.tensor(call["self"])
    if call.shape == (1, *value.shape):
        lowering.alias(call.node, value)
    elif call.shape == (1, math.prod(value.shape)):
        lowering.emit(call.node, Flatten())
    else:
        raise Unsupported(
            f"{call.operator} from {(1, *value.shape)} to {call.shape} is not supported; only flattening to "
            f"(1, {math.prod(value.shape)}) is, so give example_input the shape the first layer takes"
        )
