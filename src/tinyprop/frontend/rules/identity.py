"""Calls that hand their input on: dropout in eval mode, copies."""

from tinyprop.frontend.aten_call import AtenCall
from tinyprop.frontend.lowering import Lowering, Unsupported


def lower_identity(call: AtenCall, lowering: Lowering) -> None:
    """The result is the input. F.dropout without training=self.training stays active in eval mode: refused."""
    if call.arguments.get("train", False):
        raise Unsupported("dropout is active in eval mode; use nn.Dropout, or pass training=self.training")
    source = call["input"] if "input" in call.arguments else call["self"]
    lowering.alias(call.node, lowering.tensor(source))
