"""Logistic sigmoid. In float32 its exponential is the engine's own."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.ir.elementary import sigmoidf
from tinyprop.ir.op import Array, Forward
from tinyprop.ir.ops.activation import Activation


@dataclass(frozen=True)
class Sigmoid(Activation):
    """y = 1 / (1 + e^-x)."""

    kind: ClassVar[str] = "sigmoid"
    backward_reads_output: ClassVar[bool] = True

    def forward(self, x: Array, parameters: tuple[Array, ...]) -> Forward:
        return Forward(sigmoidf(x) if x.dtype == np.float32 else 0.5 * (1 + np.tanh(0.5 * x)))  # overflows nowhere

    def backward(self, error: Array, x: Array, ran: Forward) -> Array:
        return error * (ran.y * (x.dtype.type(1) - ran.y))
