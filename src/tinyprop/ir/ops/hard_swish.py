"""Hard swish, x times its hard sigmoid. It is not monotonic: the derivative needs x."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.ir.op import Array, Forward
from tinyprop.ir.ops.activation import Activation
from tinyprop.ir.ops.hard_sigmoid import ramp


@dataclass(frozen=True)
class HardSwish(Activation):
    """y = x · hard_sigmoid(x); dy/dx is 0 up to x = -3, 1 from x = 3, and x / 3 + 1/2 between."""

    kind: ClassVar[str] = "hard_swish"
    backward_reads_input: ClassVar[bool] = True

    def forward(self, x: Array, parameters: tuple[Array, ...]) -> Forward:
        return Forward(x * ramp(x) + x.dtype.type(0))  # +0, not -0, where it stops x

    def backward(self, error: Array, x: Array, ran: Forward) -> Array:
        third, half = (x.dtype.type(value) for value in (1 / 3, 0.5))
        between = np.where(x < 3, error * (x * third + half), error)
        return np.where(x <= -3, np.zeros_like(error), between)
