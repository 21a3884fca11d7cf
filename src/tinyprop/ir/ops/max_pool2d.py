"""Two-dimensional max pool. The first maximum of a window, row by row, wins and takes the error.

Order of sums: where windows overlap, an element's error adds over the outputs (c, oy, ox), ascending.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.errors import UserError
from tinyprop.ir.op import Array, Forward, PassOp, Shape

Pair = tuple[int, int]


@dataclass(frozen=True)
class MaxPool2d(PassOp):
    """x (C, H, W) → y (C, OH, OW); aux (C, OH, OW) uint8 = dy·(window width) + dx of each maximum.

    Raises UserError for windows of more than 255 elements, whose places do not fit a byte.
    """

    kind: ClassVar[str] = "max_pool2d"
    has_argmax: ClassVar[bool] = True
    kernel: Pair
    stride: Pair
    padding: Pair = (0, 0)

    def __post_init__(self) -> None:
        if self.kernel[0] * self.kernel[1] > 255:
            raise UserError(
                f"a max pool with window {self.kernel} has more than 255 elements; use two smaller pools in a row."
            )

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 3:
            raise UserError(f"a max pool was given shape {shape}; it takes a feature map (C, H, W).")
        rows, columns = (
            (size + 2 * pad - kernel) // stride + 1
            for size, pad, kernel, stride in zip(shape[1:], self.padding, self.kernel, self.stride, strict=True)
        )
        if rows < 1 or columns < 1:
            raise UserError(
                f"a max pool with window {self.kernel} does not fit into a feature map of shape {shape}; "
                f"use a larger input or a smaller window."
            )
        return (shape[0], rows, columns)

    def windows(self, x: Array) -> Array:
        """What each output looks at, (C, OH, OW, KH·KW), row-major in the window; padding is −inf."""
        channels, rows, columns = self.output_shape(x.shape)
        border = ((0, 0), *((pad, pad) for pad in self.padding))
        view = np.lib.stride_tricks.sliding_window_view(
            np.pad(x, border, constant_values=-np.inf), self.kernel, axis=(1, 2)
        )
        return view[:, :: self.stride[0], :: self.stride[1]].reshape(channels, rows, columns, -1)

    def forward(self, x: Array, parameters: tuple[Array, ...]) -> Forward:
        windows = self.windows(x)
        codes = np.argmax(windows, axis=-1)
        y = np.take_along_axis(windows, codes[..., None], axis=-1)[..., 0]
        return Forward(y, codes.astype(np.uint8))

    def places(self, codes: Array) -> tuple[Array, ...]:
        """Channel, row and column in x of each maximum, from `aux`; each (C, OH, OW) int64."""
        channel, oy, ox = np.ogrid[tuple(slice(size) for size in codes.shape)]
        dy, dx = np.divmod(codes.astype(np.int64), self.kernel[1])
        row: Array = oy * self.stride[0] + dy - self.padding[0]
        column: Array = ox * self.stride[1] + dx - self.padding[1]
        return np.broadcast_arrays(channel, row, column)

    def backward(self, error: Array, x: Array, ran: Forward) -> Array:
        assert ran.aux is not None
        below = np.zeros_like(x)
        np.add.at(below, self.places(ran.aux), error)  # unbuffered, one after the other
        return below
