"""Batch norm with fixed statistics: each channel times a scale plus a shift, and an optional ReLU fused behind it.

y = γ·x̂ + β with x̂ = (x - mean)·r, where r = 1 / √(variance + eps); γ and β train, mean and variance never do.

Order of operations: scale = γ·r; shift = β - mean·scale; y = x·scale + shift, as in PyTorch, so that an element costs
one multiply-add. The error of an input is δ·scale. Gradients: of γ the sum of (x - mean)·δ, times r at the end; of β
the sum of δ; both over the positions of a channel, ascending.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.errors import UserError
from tinyprop.ir.op import Array, Forward, LayerOp, MacCount, Shape, sum_in_order


@dataclass(frozen=True)
class ScaleShift(LayerOp):
    """x (C, …) → y (C, …): feature map, signal or vector. weight γ (C,), bias β (C,), mean (C,), variance (C,).

    bias: whether it has γ and β at all; without them they are 1 and 0. trains: whether a step may change them.
    """

    kind: ClassVar[str] = "scale_shift"
    elementwise: ClassVar[bool] = True
    channels: int
    eps: float
    bias: bool = True
    trains: bool = True
    relu: bool = False

    @property
    def per_channel(self) -> bool:
        """Always."""
        return True

    @property
    def trained(self) -> int:
        """γ and β, or nothing; never the statistics."""
        return 2 if self.bias and self.trains else 0

    def output_shape(self, shape: Shape) -> Shape:
        if not shape or shape[0] != self.channels:
            raise UserError(
                f"a batch norm of {self.channels} channels was given shape {shape}; it takes ({self.channels}, …)."
            )
        return shape

    def parameter_shapes(self) -> tuple[Shape, ...]:
        return ((self.channels,),) * (4 if self.bias else 2)

    def delta_count(self, shape: Shape) -> int:
        return math.prod(shape)

    def macs(self, shape: Shape) -> MacCount:
        n = math.prod(shape)
        return MacCount(forward=n, input_error=n, weight_gradient=n if self.trained else 0)

    def has_meaning(self, parameters: tuple[Array, ...]) -> bool:
        """Whether variance + eps is above zero."""
        return bool((parameters[-1] + parameters[-1].dtype.type(self.eps) > 0).all())

    def inverse_deviation(self, variance: Array) -> Array:
        """r (C,), in the dtype of `variance`: what the engine stores in the variance's place."""
        one, eps = variance.dtype.type(1), variance.dtype.type(self.eps)
        inverse: Array = one / np.sqrt(variance + eps)
        return inverse

    def forward(self, x: Array, parameters: tuple[Array, ...]) -> Forward:
        scale = self._scale(parameters)
        below = parameters[-2] * scale
        shift = (parameters[1] if self.bias else np.zeros_like(below)) - below
        y = x * _per_channel(scale, x) + _per_channel(shift, x)
        return Forward(np.where(y > 0, y, np.zeros_like(y)) if self.relu else y)

    def input_error(self, delta: Array, x: Array, parameters: tuple[Array, ...], ran: Forward) -> Array:
        return delta * _per_channel(self._scale(parameters), delta)

    def updated(
        self, delta: Array, x: Array, parameters: tuple[Array, ...], ran: Forward, lr: float
    ) -> tuple[Array, ...]:
        weight, bias, mean, variance = parameters
        rate, none = x.dtype.type(lr), np.zeros(self.channels, x.dtype)
        spread = (x - _per_channel(mean, x)) * delta
        of_weight = sum_in_order(none, _positions_first(spread)) * self.inverse_deviation(variance)
        of_bias = sum_in_order(none, _positions_first(delta))
        return weight - rate * of_weight, bias - rate * of_bias

    def _scale(self, parameters: tuple[Array, ...]) -> Array:
        inverse = self.inverse_deviation(parameters[-1])
        return parameters[0] * inverse if self.bias else inverse


def _per_channel(values: Array, like: Array) -> Array:
    """`values` (C,) so that they meet `like` (C, …) channel by channel."""
    return values.reshape(-1, *[1] * (like.ndim - 1))


def _positions_first(values: Array) -> Array:
    """(C, …) as (positions, C)."""
    return values.reshape(len(values), -1).T
