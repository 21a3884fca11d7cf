"""Fully connected layer, y = W·x + b, with an optional ReLU fused behind it.

Order of sums: forward over the inputs i, input error over the outputs j, both ascending.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.errors import UserError
from tinyprop.ir.op import LONGEST_LIST, Array, Forward, LayerOp, MacCount, Shape, sum_in_order


@dataclass(frozen=True)
class Dense(LayerOp):
    """x (I,) → y (O,). weight (O, I), bias (O,)."""

    kind: ClassVar[str] = "dense"
    inputs: int
    outputs: int
    bias: bool = True
    relu: bool = False
    error_overwrites_input: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.outputs > LONGEST_LIST:
            raise UserError(
                f"a dense layer of {self.outputs} outputs is too wide: the engine lists what it keeps of them in 16 "
                f"bits, so use at most {LONGEST_LIST}."
            )

    def scratch_bytes(self, shape: Shape, updates: bool = True) -> int:
        """The list of kept columns, two bytes each; the kernel of the error alone has none."""
        return 2 * self.outputs if updates else 0

    def output_shape(self, shape: Shape) -> Shape:
        if shape != (self.inputs,):
            raise UserError(f"a dense layer of {self.inputs} inputs was given shape {shape}; put a flatten before it.")
        return (self.outputs,)

    def parameter_shapes(self) -> tuple[Shape, ...]:
        return ((self.outputs, self.inputs), (self.outputs,))[: 2 if self.bias else 1]

    def delta_count(self, shape: Shape) -> int:
        return self.outputs

    def macs(self, shape: Shape) -> MacCount:
        n = self.inputs * self.outputs
        return MacCount(forward=n, input_error=n, weight_gradient=n)

    def forward(self, x: Array, parameters: tuple[Array, ...]) -> Forward:
        weight = parameters[0]
        start = parameters[1] if self.bias else np.zeros(self.outputs, x.dtype)
        y = sum_in_order(start, weight.T * x[:, None])  # (I, O)
        return Forward(np.where(y > 0, y, np.zeros_like(y)) if self.relu else y)

    def input_error(self, delta: Array, x: Array, parameters: tuple[Array, ...], ran: Forward) -> Array:
        weight = parameters[0]
        return sum_in_order(np.zeros_like(x), weight * delta[:, None])  # (O, I)

    def updated(
        self, delta: Array, x: Array, parameters: tuple[Array, ...], ran: Forward, lr: float
    ) -> tuple[Array, ...]:
        rate = x.dtype.type(lr)
        weight = parameters[0] - delta[:, None] * (rate * x)[None, :]  # the kernel scales a row's input once
        return (weight, parameters[1] - rate * delta) if self.bias else (weight,)
