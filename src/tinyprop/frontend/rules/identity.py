"""Calls that hand their input on: dropout in eval mode, copies, casts to float32; and checks of a tensor's type."""

import torch

from tinyprop.frontend.aten_call import AtenCall
from tinyprop.frontend.lowering import Lowering, Unsupported


def lower_identity(call: AtenCall, lowering: Lowering) -> None:
    """The result is the input. F.dropout without training=self.training stays active in eval mode: refused."""
    if call.arguments.get("train", False):
        raise Unsupported("dropout is active in eval mode; use nn.Dropout, or pass training=self.training")
    source = call["input"] if "input" in call.arguments else call["self"]
    lowering.alias(call.node, lowering.tensor(source))


def lower_cast(call: AtenCall, lowering: Lowering) -> None:
    """x.float(), x.to(…), x.type_as(…): the same tensor, as long as it stays float32."""
    kind = call.node.meta["val"].dtype
    if kind != torch.float32:
        raise Unsupported(f"a cast to {str(kind).removeprefix('torch.')} is not supported; keep forward in float32")
    lowering.alias(call.node, lowering.tensor(call["self"]))


def lower_nothing(call: AtenCall, lowering: Lowering) -> None:
    """A check that torch.export writes beside a cast, without a result."""
