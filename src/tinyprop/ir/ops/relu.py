"""ReLU as an operator of its own; behind a layer the passes fuse it away."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.ir.op import Array, Forward, PassOp, Shape


@dataclass(frozen=True)
class ReLU(PassOp):
    """y = x where x > 0, else 0, element by element; any shape."""

    kind: ClassVar[str] = "relu"
    elementwise: ClassVar[bool] = True
    backward_reads_output: ClassVar[bool] = True

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def forward(self, x: Array, parameters: tuple[Array, ...]) -> Forward:
        return Forward(np.where(x > 0, x, np.zeros_like(x)))

    def backward(self, error: Array, x: Array, ran: Forward) -> Array:
        return np.where(ran.y > 0, error, np.zeros_like(error))
