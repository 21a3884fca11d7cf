"""Two-dimensional convolution with zero padding, dilation and groups, and an optional ReLU fused behind it.

Order of sums, each within its group: forward over (ci, ky, kx); error of an input element over (oy, ox, co), position
first, channel innermost; gradients over (oy, ox); all ascending. A tap that falls on the padding adds a zero: leaving
it out is equal.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import Enum
from typing import ClassVar, NamedTuple

import numpy as np

from tinyprop.errors import UserError
from tinyprop.ir.op import LONGEST_LIST, Array, Forward, LayerOp, MacCount, Shape

LISTED_WINDOWS = 24  # entries of a list in general kernels: TP_LISTED_WINDOWS of the engine

Pair = tuple[int, int]
Border = tuple[Pair, Pair]  # rows above and below a map, columns left and right of it


class ConvKernels(Enum):
    """Which of the engine's kernels serve a convolution without a pool behind it."""

    GENERAL = "any geometry"
    THREE_BY_THREE = "3 by 3 taps, padding 1, stride 1 or 2"
    DEPTHWISE_THREE_BY_THREE = "the same, one input and one output channel per group"
    DEPTHWISE = "one input and one output channel per group, stride at most 4"
    POINTWISE = "one tap, stride 1, no padding: a matrix product per position"


class DeltaEntry(NamedTuple):
    """One entry of δ: output channel, row and column before any pooling, and its value. An oracle makes millions."""

    channel: int
    y: int
    x: int
    value: np.floating


@dataclass(frozen=True)
class Conv2d(LayerOp):
    """x (I, H, W) → y (O, OH, OW). weight (O, I / groups, KH, KW), bias (O,). Pairs are (vertical, horizontal).

    groups: output channels o·O/groups … read input channels o·I/groups …, o = 0 … groups - 1, and no others.
    padding: rows above and columns left of the map; trailing: those below and right of it, None for as many.
    signal: the weight has the shape (O, I / groups, KW) that PyTorch gives a one-dimensional convolution; KH is 1.
    """

    kind: ClassVar[str] = "conv2d"
    in_channels: int
    out_channels: int
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    bias: bool = True
    relu: bool = False
    dilation: Pair = (1, 1)
    groups: int = 1
    signal: bool = False
    trailing: Pair | None = None

    def __post_init__(self) -> None:
        if self.in_channels % self.groups or self.out_channels % self.groups:
            raise UserError(
                f"a convolution from {self.in_channels} to {self.out_channels} channels cannot have {self.groups} "
                f"groups: choose a number that divides both."
            )
        if self.trailing == self.padding:
            object.__setattr__(self, "trailing", None)  # one spelling of one operator

    def __repr__(self) -> str:
        """Without `trailing` where it is None: checkpoints know a network by its text, which stays as it was."""
        told = [field.name for field in fields(self) if field.name != "trailing" or self.trailing is not None]
        return f"Conv2d({', '.join(f'{name}={getattr(self, name)!r}' for name in told)})"

    @property
    def group_inputs(self) -> int:
        """Input channels of one group, which are all that one output channel reads."""
        return self.in_channels // self.groups

    @property
    def per_channel(self) -> bool:
        """Whether it is depthwise."""
        return 1 < self.groups == self.in_channels

    @property
    def filter_size(self) -> int:
        """Weights of one output channel."""
        return self.group_inputs * self.kernel[0] * self.kernel[1]

    @property
    def reach(self) -> Pair:
        """Rows and columns from the first tap of a window to its last, both included."""
        return (self.dilation[0] * (self.kernel[0] - 1) + 1, self.dilation[1] * (self.kernel[1] - 1) + 1)

    @property
    def border(self) -> Border:
        """Its padding."""
        (top, left), (bottom, right) = self.padding, self.trailing or self.padding
        return ((top, bottom), (left, right))

    def kernels(self, shape: Shape) -> ConvKernels:
        """The engine's kernels for an input of `shape`."""
        _, height, width = shape
        listable = height * width <= LONGEST_LIST
        unpadded = self.border == ((0, 0), (0, 0))
        if (self.kernel, self.stride, self.groups) == ((1, 1), (1, 1), 1) and unpadded and listable:
            return ConvKernels.POINTWISE
        geometry = (self.kernel, self.border, self.dilation)
        # Opposite borders must not meet in one window.
        near = (
            geometry == ((3, 3), ((1, 1), (1, 1)), (1, 1))
            and self.stride in ((1, 1), (2, 2))
            and min(height, width) > 1
        )
        if near and self.groups == 1 and listable:
            return ConvKernels.THREE_BY_THREE
        if near and self.groups == self.in_channels == self.out_channels:
            return ConvKernels.DEPTHWISE_THREE_BY_THREE
        if self.per_channel and self.in_channels == self.out_channels and max(self.stride) <= 4:
            return ConvKernels.DEPTHWISE
        return ConvKernels.GENERAL

    def scratch_bytes(self, shape: Shape, updates: bool = True) -> int:
        """Lists of kept δ: eight bytes for each channel of a position to the error; two or four for each position of a
        channel, and an end, to the update. Depthwise kernels need nothing, general ones see below.
        """
        channels, rows, columns = self.output_shape(shape)
        match self.kernels(shape):
            case ConvKernels.THREE_BY_THREE:
                return max(8 * channels, updates * 4 * (rows * columns + 1))
            case ConvKernels.POINTWISE:
                return max(8 * channels, updates * 2 * rows * columns)
            case ConvKernels.DEPTHWISE | ConvKernels.DEPTHWISE_THREE_BY_THREE:
                return 0
        return self.general_scratch_bytes(rows * columns, updates)

    def general_scratch_bytes(self, positions: int, updates: bool) -> int:
        """Of the general kernels: eight bytes for each channel of a group to the error; the gradient of one filter and
        a list of windows to the update, of which two entries may serve one of the `positions` of a channel, and an end.
        """
        windows = min(LISTED_WINDOWS, 2 * positions + 1)
        return max(8 * self.out_channels // self.groups, updates * (4 * self.filter_size + 8 * windows))

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 3 or shape[0] != self.in_channels:
            raise UserError(
                f"a convolution of {self.in_channels} input channels was given shape {shape}; "
                f"it takes a feature map ({self.in_channels}, H, W)."
            )
        rows, columns = (
            (before + size + after - reach) // stride + 1
            for size, (before, after), reach, stride in zip(
                shape[1:], self.border, self.reach, self.stride, strict=True
            )
        )
        if rows < 1 or columns < 1:
            padding = str(self.padding) if self.trailing is None else f"{self.padding} before, {self.trailing} behind"
            raise UserError(
                f"a convolution with kernel {self.kernel}, dilation {self.dilation} and padding {padding} does not fit "
                f"into a feature map of shape {shape}; use a larger input or a smaller kernel."
            )
        return (self.out_channels, rows, columns)

    def parameter_shapes(self) -> tuple[Shape, ...]:
        weight = (self.out_channels, self.group_inputs, *self.kernel[1 if self.signal else 0 :])
        return (weight, (self.out_channels,))[: 2 if self.bias else 1]

    def delta_count(self, shape: Shape) -> int:
        channels, rows, columns = self.output_shape(shape)
        return channels * rows * columns

    def macs(self, shape: Shape) -> MacCount:
        """Taps on the padding are counted, as everyone does on paper."""
        n = self.delta_count(shape) * self.filter_size
        return MacCount(forward=n, input_error=n, weight_gradient=n)

    def taps_inside(self, shape: Shape) -> Array:
        """Per output position (OH, OW), how many taps of one input channel lie inside the image."""
        counts = []
        for axis, (size, outputs) in enumerate(zip(shape[1:], self.output_shape(shape)[1:], strict=True)):
            first = self.stride[axis] * np.arange(outputs) - self.padding[axis]
            taps = first[:, None] + self.dilation[axis] * np.arange(self.kernel[axis])
            counts.append(((taps >= 0) & (taps < size)).sum(axis=1))
        return np.outer(*counts)

    def pre_activation(self, x: Array, parameters: tuple[Array, ...]) -> Array:
        """The output before the ReLU, (O, OH, OW)."""
        weight = self.filters(parameters[0])
        channels, rows, columns = self.output_shape(x.shape)
        start = parameters[1] if self.bias else np.zeros(channels, x.dtype)
        y = np.broadcast_to(start[:, None, None], (channels, rows, columns))
        padded = self.padded(x)
        for ci, ky, kx in np.ndindex(self.group_inputs, *self.kernel):
            top, left = ky * self.dilation[0], kx * self.dilation[1]
            one_per_group = padded[ci :: self.group_inputs, top :: self.stride[0], left :: self.stride[1]]
            taps = np.repeat(one_per_group[:, :rows, :columns], channels // self.groups, axis=0)
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

    def filters(self, weight: Array) -> Array:
        """`weight` as (O, I / groups, KH, KW)."""
        return weight.reshape(self.out_channels, self.group_inputs, *self.kernel)

    def padded(self, x: Array) -> Array:
        """x with its border of zeros, (I, top + H + bottom, left + W + right)."""
        return np.pad(x, ((0, 0), *self.border))

    def window(self, padded: Array, entry: DeltaEntry) -> Array:
        """The view (I / groups, KH, KW) of a padded feature map that the output of `entry` reads."""
        first = entry.channel // (self.out_channels // self.groups) * self.group_inputs
        top, left = entry.y * self.stride[0], entry.x * self.stride[1]
        height, width = self.reach
        rows = slice(top, top + height, self.dilation[0])
        columns = slice(left, left + width, self.dilation[1])
        return padded[first : first + self.group_inputs, rows, columns]

    def input_error_of(self, entries: Iterable[DeltaEntry], x: Array, weight: Array) -> Array:
        """∂loss/∂x (shape of x), the terms of every sum added in the order of `entries`."""
        padded, filters = self.padded(np.zeros_like(x)), self.filters(weight)
        for entry in entries:
            self.window(padded, entry)[...] += entry.value * filters[entry.channel]
        (top, left), (rows, columns) = self.padding, x.shape[1:]
        return padded[:, top : top + rows, left : left + columns]

    def updated_by(
        self, entries: Iterable[DeltaEntry], x: Array, parameters: tuple[Array, ...], lr: float
    ) -> tuple[Array, ...]:
        """The parameters after one SGD step, the terms of every gradient added in the order of `entries`."""
        padded = self.padded(x)
        gradients = tuple(np.zeros_like(p) for p in parameters)
        of_filters = self.filters(gradients[0])
        for entry in entries:
            of_filters[entry.channel] += entry.value * self.window(padded, entry)
            if self.bias:
                gradients[1][entry.channel] += entry.value
        rate = x.dtype.type(lr)
        return tuple(p - rate * g for p, g in zip(parameters, gradients, strict=True))


def entries_of(delta: Array) -> list[DeltaEntry]:
    """The non-zero entries of δ (O, OH, OW), position-major, channel innermost."""
    by_position = np.moveaxis(delta, 0, -1)
    places = np.argwhere(by_position).tolist()
    values = by_position[by_position != 0]
    return [DeltaEntry(co, oy, ox, value) for (oy, ox, co), value in zip(places, values, strict=True)]
