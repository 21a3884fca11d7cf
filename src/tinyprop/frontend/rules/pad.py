"""Zero padding in front of a convolution, which becomes the convolution's own."""

from tinyprop.frontend.aten_call import AtenCall
from tinyprop.frontend.lowering import Lowering, Unsupported

CONVOLUTIONS = ("conv1d", "conv2d")


def lower_pad(call: AtenCall, lowering: Lowering) -> None:
    """F.pad, nn.ZeroPad2d, nn.ConstantPad1d and their like: zeros around what only convolutions read."""
    shape = lowering.tensor(call["self"]).shape
    amounts, reasons = list(call["pad"]), []
    if call.arguments.get("mode", "constant") != "constant":
        reasons.append(f"padding mode '{call['mode']}' is not supported; pad with zeros")
    if call["value"]:
        reasons.append(f"it pads with {call['value']:g}; a convolution can only be padded with zeros, so use 0")
    if any(amount < 0 for amount in amounts):
        reasons.append(f"it pads by {amounts}, which cuts off what is below 0; use amounts of 0 and more")
    if not all(AtenCall.of(user).operator in CONVOLUTIONS for user in call.node.users):
        reasons.append(
            "a pad is supported directly in front of convolutions only, which then pad by themselves; move it there"
        )
    elif any(amounts[2 * (len(shape) - 1) :]):
        reasons.append(f"it pads by {amounts}, channels or batch among them; pad the axes behind the channels only")
    if reasons:
        raise Unsupported(*reasons)
    left, right, top, bottom = (*amounts, 0, 0, 0, 0)[:4]
    lowering.note_padded(call.node, call["self"], ((top, bottom), (left, right)))
