"""ReLU as an operator of its own; behind a layer the passes fuse it away."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.ir.op import Array, Forward
from tinyprop.ir.ops.activation import Activation


@dataclass(frozen=True)
class ReLU(Activation):
    """y = x where x > 0, else 0."""

    kind: ClassVar[str] = "relu"
    backward_reads_output: ClassVar[bool] = True
    two_slopes: ClassVar[bool] = True

    def forward(self, x: Array, parameters: tuple[Array, ...]) -> Forward:
        return Forward(np.where(x > 0, x, np.zeros_like(x)))

    def backward(self, error: Array, x: Array, ran: Forward) -> Array:
        return np.where(ran.y > 0, error, np.zeros_like(error))
