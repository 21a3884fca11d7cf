"""Leaky ReLU: what is negative is made small instead of zero."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.errors import UserError
from tinyprop.ir.op import Array, Forward
from tinyprop.ir.ops.activation import Activation


@dataclass(frozen=True)
class LeakyReLU(Activation):
    """y = x where x > 0, else slope·x.

    Raises UserError for a negative slope, with which the sign of y would no longer tell that of x.
    """

    kind: ClassVar[str] = "leaky_relu"
    backward_reads_output: ClassVar[bool] = True
    two_slopes: ClassVar[bool] = True
    slope: float

    def __post_init__(self) -> None:
        if not 0 <= self.slope < math.inf:
            raise UserError(f"a leaky ReLU with negative_slope={self.slope} is not supported; use 0 or more.")

    def forward(self, x: Array, parameters: tuple[Array, ...]) -> Forward:
        return Forward(np.where(x > 0, x, x.dtype.type(self.slope) * x))

    def backward(self, error: Array, x: Array, ran: Forward) -> Array:
        return np.where(ran.y > 0, error, x.dtype.type(self.slope) * error)
