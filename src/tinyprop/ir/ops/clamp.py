"""Values kept between two bounds: ReLU6 is Clamp(0, 6), Hardtanh is Clamp(-1, 1)."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.errors import UserError
from tinyprop.ir.op import Array, Forward
from tinyprop.ir.ops.activation import Activation


@dataclass(frozen=True)
class Clamp(Activation):
    """y = x, but not below `low` nor above `high`; at either bound no error passes.

    Raises UserError unless low < high are finite.
    """

    kind: ClassVar[str] = "clamp"
    backward_reads_output: ClassVar[bool] = True
    two_slopes: ClassVar[bool] = True
    low: float
    high: float

    def __post_init__(self) -> None:
        if not -math.inf < self.low < self.high < math.inf:
            raise UserError(f"a clamp between {self.low} and {self.high} is empty or unbounded; give low < high.")

    def forward(self, x: Array, parameters: tuple[Array, ...]) -> Forward:
        low, high = (x.dtype.type(bound) for bound in (self.low, self.high))
        raised = np.where(x > low, x, low)
        return Forward(np.where(raised < high, raised, high))

    def backward(self, error: Array, x: Array, ran: Forward) -> Array:
        low, high = (x.dtype.type(bound) for bound in (self.low, self.high))
        return np.where((ran.y > low) & (ran.y < high), error, np.zeros_like(error))
