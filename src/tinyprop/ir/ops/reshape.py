"""The same elements in the same row-major order, read in another shape; no data moves."""

import math
from dataclasses import dataclass
from typing import ClassVar

from tinyprop.errors import UserError
from tinyprop.ir.op import Array, Forward, PassOp, Shape


@dataclass(frozen=True)
class Reshape(PassOp):
    """x (…) → y of `shape`, by default a vector. One -1 in it stands for whatever makes the sizes agree."""

    kind: ClassVar[str] = "reshape"
    shape: Shape = (-1,)

    def output_shape(self, shape: Shape) -> Shape:
        known = math.prod(size for size in self.shape if size != -1)
        after = tuple(math.prod(shape) // known if size == -1 else size for size in self.shape)
        if math.prod(after) != math.prod(shape):
            raise UserError(f"a reshape to {self.shape} was given shape {shape}; both must have as many elements.")
        return after

    def forward(self, x: Array, parameters: tuple[Array, ...]) -> Forward:
        return Forward(x.reshape(self.shape))

    def backward(self, error: Array, x: Array, ran: Forward) -> Array:
        return error.reshape(x.shape)
