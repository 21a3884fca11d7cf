"""Sum of two values of one shape: the skip connection."""

from dataclasses import dataclass
from typing import ClassVar

from tinyprop.errors import UserError
from tinyprop.ir.op import Array, Forward, JoinOp, Shape


@dataclass(frozen=True)
class Add(JoinOp):
    """y = a + b, element by element; any shape, the same for both. Each input's error is the output's."""

    kind: ClassVar[str] = "add"
    elementwise: ClassVar[bool] = True

    def shape_after(self, shapes: tuple[Shape, ...]) -> Shape:
        if len(shapes) != 2 or shapes[0] != shapes[1]:
            raise UserError(f"an addition was given shapes {shapes}; both must be the same, without broadcasting.")
        return shapes[0]

    def run(self, xs: tuple[Array, ...], parameters: tuple[Array, ...]) -> Forward:
        a, b = xs
        return Forward(a + b)

    def backward(self, error: Array, shapes: tuple[Shape, ...]) -> tuple[Array, ...]:
        return error, error
