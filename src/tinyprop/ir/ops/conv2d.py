"""Two-dimensional convolution with zero padding, and an optional ReLU fused behind it.

Order of sums: forward over (ci, ky, kx); error of an input element over (oy, ox, co), position first, channel
innermost; gradients over (oy, ox); all ascending. A tap that falls on the padding adds a zero: leaving it out is equal.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.errors import UserError
from tinyprop.ir.op import Array, Forward, LayerOp, MacCount, Shape

Pair = tuple[int, int]


@dataclass(frozen=True)
class DeltaEntry:
    """One entry of δ: output channel, row and column before any pooling, and its value."""

    channel: int
    y: int
    x: int
    value: np.floating


@dataclass(frozen=True)
class Conv2d(LayerOp):
    """x (I, H, W) → y (O, OH, OW). weight (O, I, KH, KW), bias (O,). Pairs are (vertical, horizontal)."""

    kind: ClassVar[str] = "conv2d"
    in_channels: int
    out_channels: int
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    bias: bool = True
    relu: bool = False

    def scratch_bytes(self, shape: Shape) -> int:
        """The gradient of one output channel's filter."""
        return 4 * self.in_channels * self.kernel[0] * self.kernel[1]

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 3 or shape[0] != self.in_channels:
            raise UserError(
                f"a convolution of {self.in_channels} input channels was given shape {shape}; "
                f"it takes a feature map ({self.in_channels}, H, W)."
            )
        rows, columns = (
            (size + 2 * pad - kernel) // stride + 1
            for size, pad, kernel, stride in zip(shape[1:], self.padding, self.kernel, self.stride, strict=True)
        )
        if rows < 1 or columns < 1:
            raise UserError(
                f"a convolution with kernel {self.kernel} and padding {self.padding} does not fit into a feature map "
                f"of shape {shape}; use a larger input or a smaller kernel."
            )
        return (self.out_channels, rows, columns)

    def parameter_shapes(self) -> tuple[Shape, ...]:
        weight = (self.out_channels, self.in_channels, *self.kernel)
        return (weight, (self.out_channels,))[: 2 if self.bias else 1]

    def delta_count(self, shape: Shape) -> int:
        channels, rows, columns = self.output_shape(shape)
        return channels * rows * columns

    def macs(self, shape: Shape) -> MacCount:
        """Taps on the padding are counted, as everyone does on paper."""
        n = self.delta_count(shape) * self.in_channels * self.kernel[0] * self.kernel[1]
        return MacCount(forward=n, input_error=n, weight_gradient=n)

    def pre_activation(self, x: Array, parameters: tuple[Array, ...]) -> Array:
        """The output before the ReLU, (O, OH, OW)."""
        weight = parameters[0]
        channels, rows, columns = self.output_shape(x.shape)
        start = parameters[1] if self.bias else np.zeros(channels, x.dtype)
        y = np.broadcast_to(start[:, None, None], (channels, rows, columns))
        padded = self.padded(x)
        for ci, ky, kx in np.ndindex(self.in_channels, *self.kernel):
            taps = padded[ci, ky :: self.stride[0], kx :: self.stride[1]][:rows, :columns]
            y = y + weight[:, ci, ky, kx][:, None, None] * taps
        return y

    def forward(self, x: Array, parameters: tuple[Array, ...]) -> Forward:
        y = self.pre_activation(x, parameters)
        return Forward(np.where(y > 0, y, np.zeros_like(y)) if self.relu else y)

    def input_error(self, delta: Array, x: Array, parameters: tuple[Array, ...], ran: Forward) -> Array:
        return self.input_error_of(entries_of(delta), x, parameters[0])

    def updated(
        self, delta: Array, x: Array, parameters: tuple[Array, ...], ran: Forward, lr: float
    ) -> tuple[Array, ...]:
        return self.updated_by(entries_of(delta), x, parameters, lr)

    def padded(self, x: Array) -> Array:
        """x with its border of zeros, (I, H + 2·PH, W + 2·PW)."""
        return np.pad(x, ((0, 0), *((pad, pad) for pad in self.padding)))

    def window(self, padded: Array, y: int, x: int) -> Array:
        """The view (I, KH, KW) of a padded feature map that output position (y, x) reads."""
        top, left = y * self.stride[0], x * self.stride[1]
        return padded[:, top : top + self.kernel[0], left : left + self.kernel[1]]

    def input_error_of(self, entries: Iterable[DeltaEntry], x: Array, weight: Array) -> Array:
        """∂loss/∂x (shape of x), the terms of every sum added in the order of `entries`."""
        padded = self.padded(np.zeros_like(x))
        for entry in entries:
            self.window(padded, entry.y, entry.x)[...] += entry.value * weight[entry.channel]
        (top, left), (rows, columns) = self.padding, x.shape[1:]
        return padded[:, top : top + rows, left : left + columns]

    def updated_by(
        self, entries: Iterable[DeltaEntry], x: Array, parameters: tuple[Array, ...], lr: float
    ) -> tuple[Array, ...]:
        """The parameters after one SGD step, the terms of every gradient added in the order of `entries`."""
        padded = self.padded(x)
        gradients = tuple(np.zeros_like(p) for p in parameters)
        for entry in entries:
            gradients[0][entry.channel] += entry.value * self.window(padded, entry.y, entry.x)
            if self.bias:
                gradients[1][entry.channel] += entry.value
        rate = x.dtype.type(lr)
        return tuple(p - rate * g for p, g in zip(parameters, gradients, strict=True))


def entries_of(delta: Array) -> list[DeltaEntry]:
    """The non-zero entries of δ (O, OH, OW), position-major, channel innermost."""
    by_position = np.argwhere(np.moveaxis(delta, 0, -1))
    return [DeltaEntry(co, oy, ox, delta[co, oy, ox]) for oy, ox, co in by_position.tolist()]
