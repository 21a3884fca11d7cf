"""A feature map read as a vector, in row-major order; no data moves."""

import math
from dataclasses import dataclass
from typing import ClassVar

from tinyprop.ir.op import Array, Forward, PassOp, Shape


@dataclass(frozen=True)
class Flatten(PassOp):
    """x (…) → y (N,) with the same N elements."""

    kind: ClassVar[str] = "flatten"

    def output_shape(self, shape: Shape) -> Shape:
        return (math.prod(shape),)

    def forward(self, x: Array, parameters: tuple[Array, ...]) -> Forward:
        return Forward(x.reshape(-1))

    def backward(self, error: Array, x: Array, ran: Forward) -> Array:
        return error.reshape(x.shape)
