"""Convolution, non-overlapping max pool and optional ReLU as one operator: the un-pooled map need never exist.

δ is stored in the pooled shape, since it is zero wherever the pool did not look. Order of sums: forward as the
convolution; error of an input element over (py, px, dy, dx, co), that is pooled position, place in the window,
channel; gradients over (py, px); all ascending. Rows and columns that the pool leaves over never matter.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.errors import InternalError
from tinyprop.ir.op import Array, Forward, LayerOp, MacCount, Shape
from tinyprop.ir.ops.conv2d import Conv2d, ConvKernels, DeltaEntry
from tinyprop.ir.ops.max_pool2d import MaxPool2d


@dataclass(frozen=True)
class Conv2dMaxPool(LayerOp):
    """x (I, H, W) → y (O, PH, PW); aux (O, PH, PW) uint8 = dy·(pool width) + dx of each window's first maximum."""

    kind: ClassVar[str] = "conv2d_max_pool"
    has_argmax: ClassVar[bool] = True
    conv: Conv2d
    pool: MaxPool2d

    def __post_init__(self) -> None:
        if not self.can_fuse(self.pool):
            raise InternalError(f"{self.pool} cannot be fused: its windows overlap, leave gaps or are padded.")

    @staticmethod
    def can_fuse(pool: MaxPool2d) -> bool:
        """Whether the windows tile the map."""
        return pool.stride == pool.kernel and pool.padding == (0, 0)

    @property
    def bias(self) -> bool:  # type: ignore[override]
        """Whether the convolution has a bias."""
        return self.conv.bias

    @property
    def relu(self) -> bool:  # type: ignore[override]
        """Whether a ReLU is fused behind convolution and pool; their order makes no difference."""
        return self.conv.relu

    @property
    def per_channel(self) -> bool:
        """Whether the convolution is depthwise."""
        return self.conv.per_channel

    def blocked(self, shape: Shape) -> bool:
        """Whether the engine's hand-blocked kernels (`_k3p1w2`) serve this geometry on an input of `shape`."""
        return (
            self.conv.kernels(shape) is ConvKernels.THREE_BY_THREE
            and self.conv.stride == (1, 1)
            and self.pool.kernel == (2, 2)
        )

    def scratch_bytes(self, shape: Shape, updates: bool = True) -> int:
        """Blocked kernels keep lists of eight bytes an entry: the error the channels of a position, as they come and
        sorted; the update the positions of a channel and an end.
        """
        channels, rows, columns = self.output_shape(shape)
        if not self.blocked(shape):
            return self.conv.general_scratch_bytes(rows * columns, updates)
        return 8 * max(2 * channels, updates * (rows * columns + 1))

    def argmax_bytes(self, shape: Shape) -> int:
        """Blocked kernels pack the winners of four windows of one row into a byte."""
        channels, rows, columns = self.output_shape(shape)
        return channels * rows * (-(-columns // 4) if self.blocked(shape) else columns)

    def output_shape(self, shape: Shape) -> Shape:
        return self.pool.output_shape(self.conv.output_shape(shape))

    def parameter_shapes(self) -> tuple[Shape, ...]:
        return self.conv.parameter_shapes()

    def delta_count(self, shape: Shape) -> int:
        return self.conv.delta_count(shape)

    def delta_order(self, ran: Forward) -> Array:
        """Indices in the un-pooled map without the rows and columns left over, which are in the same order."""
        assert ran.aux is not None
        _, rows, columns = ran.y.shape
        channel, y, x = self.pool.places(ran.aux)
        height, width = rows * self.pool.kernel[0], columns * self.pool.kernel[1]
        return ((channel * height + y) * width + x).ravel()

    def macs(self, shape: Shape) -> MacCount:
        """As if not pooled: the comparison is with plain training."""
        return self.conv.macs(shape)

    def forward(self, x: Array, parameters: tuple[Array, ...]) -> Forward:
        pooled = self.pool.forward(self.conv.pre_activation(x, parameters), ())
        y = np.where(pooled.y > 0, pooled.y, np.zeros_like(pooled.y)) if self.relu else pooled.y
        return Forward(y, pooled.aux)

    def input_error(self, delta: Array, x: Array, parameters: tuple[Array, ...], ran: Forward) -> Array:
        return self.conv.input_error_of(self.entries_of(delta, ran), x, parameters[0])

    def updated(
        self, delta: Array, x: Array, parameters: tuple[Array, ...], ran: Forward, lr: float
    ) -> tuple[Array, ...]:
        return self.conv.updated_by(self.entries_of(delta, ran), x, parameters, lr)

    def entries_of(self, delta: Array, ran: Forward) -> list[DeltaEntry]:
        """The non-zero entries of the stored δ at their un-pooled places, in the order of the sums."""
        assert ran.aux is not None
        _, ys, xs = self.pool.places(ran.aux)
        stored = sorted((py, px, ran.aux[co, py, px], co) for co, py, px in np.argwhere(delta).tolist())
        return [DeltaEntry(co, int(ys[co, py, px]), int(xs[co, py, px]), delta[co, py, px]) for py, px, _, co in stored]
