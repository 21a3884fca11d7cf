"""Hyperbolic tangent. In float32 it is the engine's own."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.ir.elementary import tanhf
from tinyprop.ir.op import Array, Forward
from tinyprop.ir.ops.activation import Activation


@dataclass(frozen=True)
class Tanh(Activation):
    """y = tanh(x)."""

    kind: ClassVar[str] = "tanh"
    backward_reads_output: ClassVar[bool] = True

    def forward(self, x: Array, parameters: tuple[Array, ...]) -> Forward:
        return Forward(tanhf(x) if x.dtype == np.float32 else np.tanh(x))

    def backward(self, error: Array, x: Array, ran: Forward) -> Array:
        return error * (x.dtype.type(1) - ran.y * ran.y)
