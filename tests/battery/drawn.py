"""Operators and shapes that nobody chose: Hypothesis strategies of Case, for every operator."""

from hypothesis import strategies as st

from battery.cases import Case, on
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
from tinyprop.ir.ops.conv2d import ConvKernels

one_to_three, up_to_three = st.integers(1, 3), st.integers(0, 3)
small = st.integers(1, 4)
pairs = st.tuples(one_to_three, one_to_three)
any_shapes = st.lists(small, min_size=1, max_size=3).map(tuple)


@st.composite
def convolutions(draw: st.DrawFn) -> Case:
    """A convolution on a map that it fits into; half of them of a geometry with kernels of its own."""
    groups, group_inputs, group_outputs = draw(one_to_three), draw(one_to_three), draw(one_to_three)
    kernel, stride, dilation = draw(pairs), draw(pairs), draw(pairs)
    padding, trailing = draw(st.tuples(up_to_three, up_to_three)), draw(st.none() | st.tuples(up_to_three, up_to_three))
    match draw(st.sampled_from([*ConvKernels, ConvKernels.GENERAL])):
        case ConvKernels.POINTWISE:
            groups, kernel, stride, padding, trailing = 1, (1, 1), (1, 1), (0, 0), None
            group_inputs, group_outputs = draw(st.integers(1, 18)), draw(st.integers(1, 9))
        case ConvKernels.THREE_BY_THREE:
            groups, trailing = 1, None
            kernel, stride, padding, dilation = (3, 3), (draw(st.integers(1, 2)),) * 2, (1, 1), (1, 1)
        case ConvKernels.DEPTHWISE:
            groups, group_inputs, group_outputs = 2, 1, 1
            kernel, stride = draw(st.tuples(st.integers(1, 6), st.integers(1, 6))), draw(st.tuples(small, small))
        case ConvKernels.DEPTHWISE_THREE_BY_THREE:
            group_inputs, group_outputs, trailing = 1, 1, None
            kernel, stride, padding, dilation = (3, 3), (draw(st.integers(1, 2)),) * 2, (1, 1), (1, 1)
    size = tuple(
        max(1, d * (k - 1) + 1 - before - after) + draw(st.integers(0, 11))
        for k, before, after, d in zip(kernel, padding, trailing or padding, dilation, strict=True)
    )
    channels = (groups * group_inputs, groups * group_outputs)
    bias, relu = draw(st.booleans()), draw(st.booleans())
    op = Conv2d(*channels, kernel, stride, padding, bias, relu, dilation, groups, trailing=trailing)
    return on(op, (channels[0], *size))


@st.composite
def pooled_convolutions(draw: st.DrawFn) -> Case:
    """One with a max pool behind it that fits."""
    case = draw(convolutions())
    assert isinstance(case.op, Conv2d)
    _, rows, columns = case.op.output_shape(case.shapes[0])
    wish = draw(pairs)
    window = (min(wish[0], rows), min(wish[1], columns))
    return on(Conv2dMaxPool(case.op, MaxPool2d(window, window)), *case.shapes)


@st.composite
def pools(draw: st.DrawFn, kind: type[Op]) -> Case:
    """A pool with or without padding, on a map that it fits into."""
    kernel, stride, extra = draw(pairs), draw(pairs), draw(st.tuples(small, small))
    padding = (kernel[0] // 2, kernel[1] // 2) if draw(st.booleans()) else (0, 0)
    shape = (draw(small), kernel[0] + extra[0], kernel[1] + extra[1])
    if kind is MaxPool2d:
        return on(MaxPool2d(kernel, stride, padding), shape)
    if draw(st.booleans()):
        return on(AvgPool2d(shape[1:], shape[1:]), shape)  # the global average
    return on(AvgPool2d(kernel, stride, padding, draw(st.booleans())), shape)


@st.composite
def reshapes(draw: st.DrawFn) -> Case:
    """A map read in another shape."""
    shape = draw(st.tuples(small, small, small))
    to = ((-1,), (shape[0], -1), (1, *shape[::-1]), (shape[0] * shape[1], 1, -1))
    return on(Reshape(draw(st.sampled_from(to))), shape)


@st.composite
def concatenations(draw: st.DrawFn) -> Case:
    """Two to four values."""
    rest: Shape = tuple(draw(st.lists(small, max_size=2)))
    return on(Concat(), *((channels, *rest) for channels in draw(st.lists(small, min_size=2, max_size=4))))


@st.composite
def scales(draw: st.DrawFn) -> Case:
    """A batch norm of a vector, a signal or a map."""
    shape, eps = draw(any_shapes), draw(st.sampled_from([1e-5, 1e-3, 0.5]))
    bias, trains, relu = draw(st.booleans()), draw(st.booleans()), draw(st.booleans())
    return on(ScaleShift(shape[0], eps, bias, trains, relu), shape)


def alike(*ops: Op) -> st.SearchStrategy[Case]:
    """An operator that takes any shape."""
    return st.builds(on, st.sampled_from(ops), any_shapes)


DRAWN: dict[str, st.SearchStrategy[Case]] = {
    Clamp.kind: alike(Clamp(0, 6), Clamp(-1, 0.5)),
    HardSigmoid.kind: alike(HardSigmoid()),
    HardSwish.kind: alike(HardSwish()),
    LeakyReLU.kind: alike(LeakyReLU(0.01), LeakyReLU(0)),
    ReLU.kind: alike(ReLU()),
    Sigmoid.kind: alike(Sigmoid()),
    Tanh.kind: alike(Tanh()),
    Dense.kind: st.builds(
        lambda inputs, outputs, bias, relu: on(Dense(inputs, outputs, bias, relu), (inputs,)),
        *(st.integers(1, 20), st.integers(1, 20), st.booleans(), st.booleans()),
    ),
    ScaleShift.kind: scales(),
    Conv2d.kind: convolutions(),
    Conv2dMaxPool.kind: pooled_convolutions(),
    MaxPool2d.kind: pools(MaxPool2d),
    AvgPool2d.kind: pools(AvgPool2d),
    Add.kind: any_shapes.map(lambda shape: on(Add(), shape, shape)),
    Concat.kind: concatenations(),
    Reshape.kind: reshapes(),
}
