"""Several values one behind the other: feature maps along their channels, vectors along their only axis."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.errors import UserError
from tinyprop.ir.op import Array, Forward, JoinOp, Shape


@dataclass(frozen=True)
class Concat(JoinOp):
    """x_i (C_i, …) → y (Σ C_i, …), two values or more. Each input's error is its part of the output's."""

    kind: ClassVar[str] = "concat"

    def shape_after(self, shapes: tuple[Shape, ...]) -> Shape:
        if len(shapes) < 2 or not shapes[0] or any(shape[1:] != shapes[0][1:] for shape in shapes):
            raise UserError(
                f"a concatenation was given shapes {shapes}; it takes two or more that differ in their channels only."
            )
        return (sum(shape[0] for shape in shapes), *shapes[0][1:])

    def run(self, xs: tuple[Array, ...], parameters: tuple[Array, ...]) -> Forward:
        return Forward(np.concatenate(xs))

    def backward(self, error: Array, shapes: tuple[Shape, ...]) -> tuple[Array, ...]:
        ends = np.cumsum([shape[0] for shape in shapes])
        return tuple(np.split(error, ends[:-1]))
