"""The activations of aten → the activations of the IR. In place or not makes no difference here."""

from tinyprop.frontend.aten_call import AtenCall
from tinyprop.frontend.lowering import Lowering, Unsupported
from tinyprop.ir.ops.activation import Activation
from tinyprop.ir.ops.clamp import Clamp
from tinyprop.ir.ops.hard_sigmoid import HardSigmoid
from tinyprop.ir.ops.hard_swish import HardSwish
from tinyprop.ir.ops.leaky_relu import LeakyReLU
from tinyprop.ir.ops.relu import ReLU
from tinyprop.ir.ops.sigmoid import Sigmoid
from tinyprop.ir.ops.tanh import Tanh

_PLAIN: dict[str, type[Activation]] = {
    "hardsigmoid": HardSigmoid,
    "hardswish": HardSwish,
    "relu": ReLU,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
}


def lower_activation(call: AtenCall, lowering: Lowering) -> None:
    """An activation without settings."""
    lowering.tensor(call["self"])
    lowering.emit(call.node, _PLAIN[call.operator.removesuffix("_")]())


def lower_leaky_relu(call: AtenCall, lowering: Lowering) -> None:
    """Any negative_slope from 0 on."""
    lowering.tensor(call["self"])
    lowering.emit(call.node, LeakyReLU(float(call["negative_slope"])))


def lower_relu6(call: AtenCall, lowering: Lowering) -> None:
    """F.relu6; the module nn.ReLU6 is exported as hardtanh."""
    lowering.tensor(call["self"])
    lowering.emit(call.node, Clamp(0.0, 6.0))


def lower_hardtanh(call: AtenCall, lowering: Lowering) -> None:
    """Any two bounds."""
    lowering.tensor(call["self"])
    lowering.emit(call.node, Clamp(float(call["min_val"]), float(call["max_val"])))


def lower_clamp(call: AtenCall, lowering: Lowering) -> None:
    """Two numbers as bounds, or 0 as the lower one alone, which is a ReLU."""
    low, high = call["min"], call["max"]
    lowering.tensor(call["self"])
    if low == 0 and high is None:
        lowering.emit(call.node, ReLU())
    elif isinstance(low, int | float) and isinstance(high, int | float):
        lowering.emit(call.node, Clamp(float(low), float(high)))
    else:
        raise Unsupported("a clamp without two numbers as bounds is not supported; use nn.ReLU or nn.Hardtanh")
