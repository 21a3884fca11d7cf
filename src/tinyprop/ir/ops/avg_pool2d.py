"""Two-dimensional average pool; with the whole map as its window, the global average.

Order of sums: forward over (ky, kx), what lies on the padding left out, then divided by the count; the error of an
input over the outputs (oy, ox) that looked at it, each divided by its count first; all ascending.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.errors import UserError
from tinyprop.ir.op import Array, Forward, PassOp, Shape, sum_in_order

Pair = tuple[int, int]


@dataclass(frozen=True)
class AvgPool2d(PassOp):
    """x (C, H, W) → y (C, OH, OW). count_padding: the zeros of the padding belong to the mean.

    Raises UserError for padding of more than half a window, behind which a window could see nothing.
    """

    kind: ClassVar[str] = "avg_pool2d"
    kernel: Pair
    stride: Pair
    padding: Pair = (0, 0)
    count_padding: bool = True

    def __post_init__(self) -> None:
        if any(2 * pad > kernel for pad, kernel in zip(self.padding, self.kernel, strict=True)):
            raise UserError(
                f"an average pool with window {self.kernel} has padding {self.padding}; use at most half the window."
            )

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 3:
            raise UserError(f"an average pool was given shape {shape}; it takes a feature map (C, H, W).")
        rows, columns = (
            (size + 2 * pad - kernel) // stride + 1
            for size, pad, kernel, stride in zip(shape[1:], self.padding, self.kernel, self.stride, strict=True)
        )
        if rows < 1 or columns < 1:
            raise UserError(
                f"an average pool with window {self.kernel} does not fit into a feature map of shape {shape}; "
                f"use a larger input or a smaller window."
            )
        return (shape[0], rows, columns)

    def forward(self, x: Array, parameters: tuple[Array, ...]) -> Forward:
        channels, rows, columns = self.output_shape(x.shape)
        windows = self._windows(self._padded(x)).reshape(channels, rows, columns, -1)
        total = sum_in_order(np.zeros((channels, rows, columns), x.dtype), np.moveaxis(windows, -1, 0))
        return Forward(total / self._counts(x))

    def backward(self, error: Array, x: Array, ran: Forward) -> Array:
        shares = error / self._counts(x)
        below = self._padded(np.zeros_like(x))
        for oy, ox in np.ndindex(*shares.shape[1:]):
            top, left = oy * self.stride[0], ox * self.stride[1]
            below[:, top : top + self.kernel[0], left : left + self.kernel[1]] += shares[:, oy, ox, None, None]
        (top, left), (rows, columns) = self.padding, x.shape[1:]
        return below[:, top : top + rows, left : left + columns]

    def _counts(self, x: Array) -> Array:
        """What each output divides by, (OH, OW)."""
        ones = np.ones((1, *x.shape[1:]), x.dtype)
        seen = np.ones_like(self._padded(ones)) if self.count_padding else self._padded(ones)
        return self._windows(seen)[0].sum(axis=(-2, -1))  # small whole numbers: exact in any order

    def _padded(self, x: Array) -> Array:
        return np.pad(x, ((0, 0), *((pad, pad) for pad in self.padding)))

    def _windows(self, padded: Array) -> Array:
        """What each output looks at, (C, OH, OW, KH, KW)."""
        view = np.lib.stride_tricks.sliding_window_view(padded, self.kernel, axis=(1, 2))
        return view[:, :: self.stride[0], :: self.stride[1]]
