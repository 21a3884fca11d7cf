"""Hard sigmoid: a straight line from 0 to 1."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.ir.op import Array, Forward
from tinyprop.ir.ops.activation import Activation


@dataclass(frozen=True)
class HardSigmoid(Activation):
    """y = (x + 3) / 6, but not below 0 nor above 1."""

    kind: ClassVar[str] = "hard_sigmoid"
    backward_reads_output: ClassVar[bool] = True

    def forward(self, x: Array, parameters: tuple[Array, ...]) -> Forward:
        return Forward(ramp(x))

    def backward(self, error: Array, x: Array, ran: Forward) -> Array:
        slope = error * x.dtype.type(1 / 6)
        return np.where((ran.y > 0) & (ran.y < 1), slope, np.zeros_like(error))


def ramp(x: Array) -> Array:
    """The hard sigmoid of x, as the engine's `tp_ramp`."""
    return np.clip(x + x.dtype.type(3), 0, 6) * x.dtype.type(1 / 6)
