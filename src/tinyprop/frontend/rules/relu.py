"""aten.relu → ReLU."""

from tinyprop.frontend.aten_call import AtenCall
from tinyprop.frontend.lowering import Lowering
from tinyprop.ir.ops.relu import ReLU


def lower_relu(call: AtenCall, lowering: Lowering) -> None:
    """In place or not makes no difference here."""
    lowering.tensor(call["self"])
    lowering.emit(call.node, ReLU())
