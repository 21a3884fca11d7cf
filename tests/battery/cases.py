"""The battery: every operator of `OPS` over shapes that do not fit any blocking, and every loss. A new operator: its
line in CASES.

Sizes are small, because each element is checked by finite differences, and odd: 1, 3, 5, 7, 9, 17 lie at, below and
beyond the blocks of 2, 4, 8 and 16 that kernels work in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tinyprop.ir.losses import CrossEntropy, Loss, MeanSquaredError
from tinyprop.ir.op import Op, Shape
from tinyprop.ir.ops import (
    Add,
    AvgPool2d,
    Clamp,
    Concat,
    Conv2d,
    Conv2dMaxPool,
    Dense,
    HardSigmoid,
    HardSwish,
    LeakyReLU,
    MaxPool2d,
    ReLU,
    Reshape,
    ScaleShift,
    Sigmoid,
    Tanh,
)

ONE, TWO, THREE = (1, 1), (2, 2), (3, 3)


@dataclass(frozen=True)
class Case:
    """An operator and the shapes of what it reads."""

    op: Op
    shapes: tuple[Shape, ...]

    def __str__(self) -> str:
        return f"{self.op} on {', '.join('x'.join(map(str, shape)) for shape in self.shapes)}"


def on(op: Op, *shapes: Shape) -> Case:
    """`op` on values of `shapes`."""
    return Case(op, shapes)


def everywhere(*ops: Op) -> tuple[Case, ...]:
    """Operators that take any shape."""
    return tuple(on(op, shape) for op in ops for shape in ((1,), (3,), (17,), (5, 1, 1), (3, 7, 5)))


def conv(channels: tuple[int, int], kernel: tuple[int, int], size: tuple[int, int], **attributes: object) -> Case:
    """A convolution from and to so many channels on a map of `size`."""
    return on(Conv2d(*channels, kernel, **attributes), (channels[0], *size))  # type: ignore[arg-type]


def near(
    inputs: int, outputs: int, size: tuple[int, int], stride: int = 1, groups: int = 1, **attributes: object
) -> Case:
    """A convolution of 3 by 3 taps and padding 1, which has kernels of its own."""
    return conv((inputs, outputs), THREE, size, stride=(stride, stride), padding=ONE, groups=groups, **attributes)


def depthwise(channels: int, kernel: tuple[int, int], size: tuple[int, int], **attributes: object) -> Case:
    """A convolution of each channel by itself."""
    return conv((channels, channels), kernel, size, groups=channels, **attributes)


def pooled(case: Case, window: tuple[int, int] = TWO) -> Case:
    """The same convolution with a max pool behind it."""
    assert isinstance(case.op, Conv2d)
    return on(Conv2dMaxPool(case.op, MaxPool2d(window, window)), *case.shapes)


GENERAL = (
    conv((1, 1), ONE, ONE, stride=TWO),
    conv((1, 3), THREE, ONE, padding=ONE),  # a window larger than the image
    conv((3, 1), (5, 4), (3, 2), padding=(1, 1)),  # a single output that sees everything
    conv((3, 9), THREE, (1, 9), padding=ONE),  # opposite borders in one window
    conv((2, 3), ONE, (3, 3), padding=TWO, relu=True),  # windows on the padding altogether
    conv((1, 17), (3, 2), (5, 7), stride=(2, 1), bias=False),
    conv((7, 3), (2, 3), (4, 5), stride=(1, 2), padding=(1, 0), relu=True),
    conv((3, 5), (3, 1), (7, 3), padding=(2, 1), dilation=(2, 1)),
    conv((2, 2), (2, 3), (9, 8), stride=(2, 3), padding=(0, 2), dilation=(3, 2), bias=False, relu=True),
    conv((6, 9), (2, 2), (3, 5), groups=3),
    conv((4, 2), THREE, (5, 5), padding=ONE, groups=2),
    conv((3, 6), (2, 3), (4, 4), padding=(1, 1), groups=3, relu=True),
    conv((5, 5), THREE, (5, 6), padding=TWO, dilation=TWO, groups=5),
    conv((9, 7), ONE, (5, 4), stride=(2, 1)),
    conv((4, 6), (1, 3), (1, 15), stride=(1, 2), padding=(0, 2), dilation=(1, 2), groups=2, signal=True),
    # More padding on one side than on the other.
    conv((2, 3), TWO, (5, 4), trailing=ONE),
    conv((3, 9), (4, 3), (6, 5), stride=TWO, padding=(1, 0), trailing=(2, 3), relu=True),
    conv((1, 17), (5, 2), (7, 6), padding=(0, 2), trailing=(4, 0), bias=False),
    conv((2, 5), THREE, (4, 7), padding=ONE, trailing=TWO),  # not what kernels of 3 by 3 can do
    conv((3, 2), ONE, (3, 5), trailing=(0, 1)),  # nor those of one tap
    conv((2, 4), (1, 4), (1, 9), padding=(0, 5), dilation=(1, 2), trailing=(0, 1), groups=2, signal=True),
    # Beyond what wide kernels take at once: eleven rows of taps, five of two channels, nine columns.
    conv((1, 9), (11, 2), (12, 3), relu=True),
    conv((9, 2), (5, 5), (6, 5), padding=TWO),
    conv((2, 1), (1, 9), (2, 10)),
)
# What errors and gradients are computed for in tiles (tp_filter_tile.h).
TILED = (
    # Whole channels: several at a time and a rest, of several groups, one row of outputs.
    conv((5, 4), THREE, (7, 6), relu=True),
    conv((6, 9), THREE, (5, 6), groups=3),
    conv((3, 5), (4, 3), (4, 9), bias=False),
    conv((7, 3), (2, 2), (5, 4), stride=TWO),
    conv((2, 3), (2, 9), (4, 11), stride=(1, 2), relu=True),
    conv((19, 2), ONE, (5, 3), stride=TWO),
    conv((3, 6), THREE, (5, 5), padding=ONE, groups=3),  # one channel each, to two
    # Rows of larger kernels, with and without a rest.
    conv((3, 4), (5, 5), (9, 8), stride=TWO),
    conv((2, 3), (7, 7), (8, 9)),
    conv((2, 2), (4, 8), (5, 9), relu=True),
    # Pieces of long rows: one row, several, on a signal.
    conv((2, 3), (1, 40), (1, 43), signal=True),
    conv((2, 2), (2, 20), (3, 23)),
    # Windows across borders: some, all; more taps than a word of a mask holds, and than two.
    conv((4, 6), THREE, (6, 5), padding=ONE, groups=2, relu=True),
    conv((3, 4), (5, 5), (7, 8), padding=TWO),
    conv((3, 4), (5, 5), (9, 8), stride=TWO, padding=TWO, bias=False),
    conv((2, 3), THREE, (5, 5), padding=TWO, dilation=TWO),
    conv((3, 5), (4, 4), (5, 4), padding=(2, 3), trailing=(1, 0)),
    conv((9, 4), (1, 9), (1, 24), stride=(1, 2), padding=(0, 4), signal=True, bias=False),
    conv((2, 3), (1, 25), (1, 26), padding=(0, 12), signal=True),
    conv((2, 3), (7, 5), (8, 7), padding=(3, 2)),
    conv((1, 5), (10, 4), (12, 6), stride=TWO, padding=(4, 1), trailing=(5, 1)),
    conv((1, 2), (8, 8), (8, 9), padding=ONE),
    conv((5, 6), (1, 3), (1, 20), dilation=(1, 2), signal=True),
    conv((5, 6), (1, 3), (1, 20), stride=(1, 3), padding=(0, 3), dilation=(1, 3), signal=True),
    # More windows of a channel than one list takes, inside and across borders.
    conv((2, 3), THREE, (10, 11)),
    conv((3, 2), (3, 4), (9, 7), padding=ONE),
)
SPECIAL = (
    *(near(1, 1, (2, 2)), near(3, 5, (3, 3)), near(2, 7, (5, 7), relu=True), near(9, 2, (4, 9), bias=False)),
    *(near(1, 17, (2, 5), relu=True), near(5, 3, (7, 2)), near(17, 1, (3, 4)), near(3, 3, (9, 9), bias=False)),
    *(near(3, 5, (2, 2), 2), near(2, 3, (5, 7), 2, relu=True), near(7, 2, (6, 9), 2), near(1, 9, (9, 4), 2)),
    *(near(3, 3, (2, 2), groups=3), near(5, 5, (3, 2), groups=5, relu=True), near(2, 2, (5, 7), groups=2)),
    *(near(17, 17, (2, 3), groups=17, bias=False), near(3, 3, (9, 4), groups=3)),
    *(near(3, 3, (2, 2), 2, 3), near(5, 5, (5, 7), 2, 5, relu=True), near(2, 2, (7, 6), 2, 2, bias=False)),
    *(near(9, 9, (3, 9), 2, 9), near(2, 2, (8, 8), 2, 2)),
    # Rows of three blocks and a rest, and of two blocks.
    *(near(1, 1, (2, 19)), near(1, 2, (3, 16), relu=True), near(2, 1, (2, 19), 2), near(1, 3, (2, 16), 2)),
    *(near(2, 2, (2, 19), groups=2), near(2, 2, (3, 19), 2, 2)),
    *(conv((1, 1), ONE, ONE), conv((3, 5), ONE, THREE), conv((17, 9), ONE, (2, 5), relu=True)),
    *(conv((5, 17), ONE, (1, 7), bias=False), conv((16, 4), ONE, (1, 2)), conv((1, 3), ONE, (5, 5), relu=True)),
    *(conv((17, 5), ONE, (4, 5)), conv((3, 9), ONE, (4, 4), relu=True), conv((16, 2), ONE, (1, 17), bias=False)),
)
DEPTHWISE = (
    depthwise(2, (5, 5), (6, 7), padding=TWO),
    depthwise(3, (5, 5), (9, 8), stride=TWO, padding=TWO, bias=False, relu=True),
    depthwise(2, (5, 5), (2, 3), padding=TWO),  # a window larger than the image
    depthwise(2, (10, 4), (12, 9), relu=True),
    depthwise(5, ONE, (3, 9), stride=(2, 3), padding=ONE),  # fewer taps than the stride
    depthwise(2, TWO, (3, 2), padding=THREE, bias=False),  # windows on the padding altogether
    depthwise(3, THREE, (1, 5), padding=ONE),
    depthwise(2, THREE, (4, 11)),
    # Strides and dilations with and without a common divisor.
    depthwise(2, (3, 4), (9, 17), stride=(3, 4), padding=(2, 1)),
    depthwise(3, (2, 5), (7, 19), stride=(1, 4), padding=(0, 3), dilation=(3, 2)),
    depthwise(2, (3, 3), (9, 13), stride=(2, 3), padding=TWO, dilation=(2, 3)),
    depthwise(2, (4, 3), (11, 16), stride=(4, 2), padding=(3, 1), dilation=(1, 3), relu=True),
    depthwise(2, (1, 3), (2, 35), dilation=(1, 4), padding=(0, 4)),
    # Rows of one block, of two with and without a rest, of four; borders as wide as a block and wider.
    depthwise(2, (1, 5), (1, 8), padding=(0, 2), signal=True),
    depthwise(2, (1, 5), (1, 16), padding=(0, 2), signal=True),
    depthwise(3, (1, 9), (1, 33), padding=(0, 4), signal=True, relu=True),
    depthwise(2, (1, 9), (1, 37), stride=(1, 2), padding=(0, 4), signal=True),
    depthwise(2, (1, 17), (1, 24), padding=(0, 8), signal=True),
    depthwise(2, (1, 26), (1, 40), padding=(0, 3), signal=True, bias=False),
    depthwise(2, (1, 3), (1, 25), padding=(0, 9), dilation=(1, 9), signal=True),
    # More padding on one side than on the other: a causal kernel, and a border behind that is wider than a block.
    depthwise(2, (1, 4), (1, 21), padding=(0, 6), dilation=(1, 2), trailing=(0, 0), signal=True),
    depthwise(2, (2, 3), (3, 18), padding=(1, 0), trailing=(0, 11)),
    depthwise(3, (4, 2), (5, 19), stride=TWO, padding=(1, 0), trailing=(2, 1), relu=True),
    # Strides beyond those of its kernels.
    depthwise(2, (1, 3), (1, 17), stride=(1, 5), padding=ONE),
)
BLOCKED = (
    *(pooled(near(1, 1, (2, 2))), pooled(near(3, 5, (3, 3))), pooled(near(2, 3, (4, 6), relu=True))),
    *(pooled(near(5, 2, (5, 7), bias=False)), pooled(near(1, 17, (2, 9), relu=True)), pooled(near(1, 4, (9, 10)))),
    *(pooled(near(9, 3, (4, 2), relu=True)), pooled(near(3, 7, (6, 5))), pooled(near(2, 2, (4, 18), bias=False))),
    pooled(near(1, 3, (2, 16))),
)
OTHER_POOLED = (
    *(pooled(conv((1, 1), ONE, ONE), ONE), pooled(near(2, 3, (7, 5)), THREE), pooled(near(3, 2, (5, 9), 2, relu=True))),
    pooled(conv((3, 5), (3, 2), (7, 8), stride=(2, 1), bias=False), (3, 2)),
    pooled(conv((2, 9), ONE, (5, 7), bias=False, relu=True), (1, 3)),
    pooled(near(3, 3, (6, 5), groups=3, relu=True)),
    pooled(conv((4, 6), (2, 2), (5, 5), padding=TWO, dilation=(2, 1), groups=2), (2, 3)),
    pooled(near(2, 3, (1, 5)), (1, 2)),
    *(pooled(conv((2, 9), (5, 5), (6, 7), padding=TWO, relu=True)), pooled(conv((9, 17), (2, 3), (5, 4), bias=False))),
    pooled(conv((1, 3), (4, 2), (7, 6), stride=(1, 2), padding=(1, 0))),
    pooled(conv((2, 3), TWO, (6, 5), trailing=ONE, relu=True)),
    pooled(conv((3, 9), (1, 5), (1, 23), padding=(0, 2), relu=True, signal=True), (1, 2)),  # two of them at a time
    pooled(conv((2, 6), (1, 3), (1, 22), stride=(1, 2), bias=False, signal=True), (1, 4)),
    *(pooled(conv((2, 5), (2, 3), (9, 8), stride=(2, 1)), (2, 1)), pooled(conv((2, 4), (3, 1), (15, 3)), (4, 1))),
    *(pooled(conv((5, 6), THREE, (8, 9), relu=True)), pooled(conv((4, 6), THREE, (9, 8), groups=2))),
    *(pooled(conv((3, 4), (5, 5), (8, 9), padding=TWO)), pooled(conv((2, 3), THREE, (16, 15), bias=False))),
    pooled(conv((3, 4), (1, 5), (1, 21), padding=(0, 2), signal=True), (1, 4)),
)
KINKS = (-3.0, 3.0, 0.0, 6.0, -1.0, 0.5)  # where some activation bends
DENSE = tuple(
    on(Dense(inputs, outputs, bias, relu), (inputs,))
    for inputs, outputs, bias, relu in (
        *((1, 1, True, False), (1, 17, True, True), (17, 1, True, False), (3, 5, False, False), (7, 9, True, True)),
        *((9, 3, False, True), (16, 16, True, True), (5, 33, True, False), (17, 17, False, True), (33, 2, True, False)),
    )
)
SCALES = (
    *(on(ScaleShift(1, 1e-5), (1,)), on(ScaleShift(17, 1e-3, relu=True), (17,)), on(ScaleShift(6, 1e-5), (6,))),
    *(
        on(ScaleShift(3, 1e-5), (3, 7, 5)),
        on(ScaleShift(5, 0.5, relu=True), (5, 1, 1)),
        on(ScaleShift(2, 1e-2), (2, 9)),
    ),
    *(on(ScaleShift(9, 1e-5, bias=False), (9, 3, 2)), on(ScaleShift(3, 1e-3, bias=False, relu=True), (3, 5, 3))),
    *(on(ScaleShift(7, 1e-5, trains=False), (7, 2, 3)), on(ScaleShift(4, 1e-3, trains=False, relu=True), (4, 17))),
)
WINDOWS = (  # kernel, stride, padding, shape
    *((ONE, ONE, (0, 0), (1, 1, 1)), (TWO, TWO, (0, 0), (3, 5, 7)), (THREE, ONE, ONE, (5, 1, 1))),
    *(((5, 5), ONE, TWO, (3, 1, 3)), ((2, 3), (1, 2), (1, 0), (2, 4, 9)), (THREE, TWO, ONE, (7, 6, 5))),
    *(((7, 5), (7, 5), (0, 0), (9, 7, 5)), ((1, 2), (3, 3), (0, 1), (3, 7, 4)), (TWO, ONE, ONE, (1, 3, 2))),
    (TWO, ONE, (0, 0), (3, 4, 5)),
)

CASES: Mapping[str, tuple[Case, ...]] = MappingProxyType(
    {
        Clamp.kind: everywhere(Clamp(0, 6), Clamp(-1, 0.5)),
        HardSigmoid.kind: everywhere(HardSigmoid()),
        HardSwish.kind: everywhere(HardSwish()),
        LeakyReLU.kind: everywhere(LeakyReLU(0.01), LeakyReLU(0)),
        ReLU.kind: everywhere(ReLU()),
        Sigmoid.kind: everywhere(Sigmoid()),
        Tanh.kind: everywhere(Tanh()),
        Dense.kind: DENSE,
        Conv2d.kind: (*GENERAL, *TILED, *SPECIAL, *DEPTHWISE),
        Conv2dMaxPool.kind: (*BLOCKED, *OTHER_POOLED),
        ScaleShift.kind: SCALES,
        MaxPool2d.kind: tuple(on(MaxPool2d(*w), shape) for *w, shape in WINDOWS),
        AvgPool2d.kind: tuple(
            on(AvgPool2d(*w, count_padding=count), shape) for *w, shape in WINDOWS for count in (True, False)
        ),
        Add.kind: tuple(on(Add(), shape, shape) for shape in ((1,), (17,), (3, 7, 5))),
        Concat.kind: (
            on(Concat(), (1,), (1,)),
            on(Concat(), (3,), (17,), (5,)),
            on(Concat(), (1, 3, 5), (9, 3, 5)),
            on(Concat(), (2, 1, 1), (3, 1, 1), (1, 1, 1), (7, 1, 1)),
        ),
        Reshape.kind: (
            *(on(Reshape(), (1,)), on(Reshape(), (3, 5, 7)), on(Reshape((5, -1, 3)), (3, 5, 7))),
            *(on(Reshape((17, 1, 1)), (17,)), on(Reshape((-1, 9)), (3, 3, 3))),
        ),
    }
)

LOSS_CASES: Mapping[str, tuple[tuple[Loss, int], ...]] = MappingProxyType(  # each with so many outputs
    {
        CrossEntropy.kind: tuple((CrossEntropy(s), n) for s in (0.0, 0.1, 1.0) for n in (1, 2, 5, 17)),
        MeanSquaredError.kind: tuple((MeanSquaredError(), n) for n in (1, 2, 5, 17)),
    }
)
