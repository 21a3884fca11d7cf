"""Every operator, forward and backward, against PyTorch autograd over random shapes."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyprop.ir.losses import LOSSES, CrossEntropy, MeanSquaredError
from tinyprop.ir.op import LayerOp, PassOp
from tinyprop.ir.ops import OPS, Conv2d, Conv2dMaxPool, Dense, MaxPool2d, ReLU, Reshape
from tinyprop.ir.ops.add import Add

TOLERANCE = {np.float64: {"rtol": 1e-10, "atol": 1e-11}, np.float32: {"rtol": 2e-4, "atol": 2e-5}}
LR = 0.25
both_dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32])
random_shapes = settings(max_examples=25, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
small = st.integers(1, 4)
pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))

TorchLayer = Callable[..., torch.Tensor]


def normal(rng: np.random.Generator, shape: tuple[int, ...], dtype: type) -> np.ndarray:
    return rng.normal(size=shape).astype(dtype)


def leaf(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array.copy()).requires_grad_()


def check_layer(op: LayerOp, shape: tuple[int, ...], reference: TorchLayer, seed: int, dtype: type) -> None:
    """Output, input error and updated parameters of `op` equal those of `reference(x with batch, *parameters)`."""
    rng = np.random.default_rng(seed)
    x = normal(rng, shape, dtype)
    parameters = tuple(normal(rng, s, dtype) for s in op.parameter_shapes())
    ran = op.forward(x, parameters)
    error = normal(rng, ran.y.shape, dtype)
    delta = op.delta(error, ran)

    leaves = [leaf(x), *(leaf(p) for p in parameters)]
    y = reference(leaves[0][None], *leaves[1:])[0]
    gradients = torch.autograd.grad(y, leaves, torch.from_numpy(error))

    assert ran.y.shape == op.output_shape(shape)
    assert ran.y.dtype == dtype
    np.testing.assert_allclose(ran.y, y.detach().numpy(), **TOLERANCE[dtype])
    below = op.input_error(delta, x, parameters, ran)
    assert below.dtype == dtype
    np.testing.assert_allclose(below, gradients[0].numpy(), **TOLERANCE[dtype])
    updated = op.updated(delta, x, parameters, ran, LR)
    for was, now, gradient in zip(parameters, updated, gradients[1:], strict=True):
        assert now.dtype == dtype
        np.testing.assert_allclose(now, was - dtype(LR) * gradient.numpy(), **TOLERANCE[dtype])


def check_pass(op: PassOp, x: np.ndarray, reference: TorchLayer, seed: int) -> None:
    """Output and error of an operator without parameters."""
    ran = op.forward(x, ())
    error = normal(np.random.default_rng(seed), ran.y.shape, x.dtype.type)
    with_grad = leaf(x)
    y = reference(with_grad[None])[0]
    (gradient,) = torch.autograd.grad(y, with_grad, torch.from_numpy(error))
    assert ran.y.shape == op.output_shape(x.shape)
    np.testing.assert_array_equal(ran.y, y.detach().numpy())
    np.testing.assert_allclose(op.backward(error, x, ran), gradient.numpy(), **TOLERANCE[x.dtype.type])


@both_dtypes
@random_shapes
@given(inputs=st.integers(1, 20), outputs=st.integers(1, 20), bias=st.booleans(), relu=st.booleans(), seed=seeds)
def test_dense(dtype, inputs, outputs, bias, relu, seed) -> None:
    activation = F.relu if relu else torch.nn.Identity()
    op = Dense(inputs, outputs, bias, relu)
    check_layer(op, (inputs,), lambda *a: activation(F.linear(*a)), seed, dtype)


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[Conv2d, tuple[int, int, int]]:
    """A convolution and an input shape into which it fits."""
    kernel, stride, padding = draw(pairs), draw(pairs), draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    channels, bias, relu = draw(small), draw(st.booleans()), draw(st.booleans())
    height, width = (max(1, k - 2 * p) + draw(st.integers(0, 5)) for k, p in zip(kernel, padding, strict=True))
    return Conv2d(channels, draw(small), kernel, stride, padding, bias, relu), (channels, height, width)


def torch_conv(op: Conv2d) -> TorchLayer:
    return lambda x, weight, bias=None: F.conv2d(x, weight, bias, op.stride, op.padding)


@both_dtypes
@random_shapes
@given(case=convolutions(), seed=seeds)
def test_conv2d(dtype, case, seed) -> None:
    op, shape = case
    activation = F.relu if op.relu else torch.nn.Identity()
    check_layer(op, shape, lambda *a: activation(torch_conv(op)(*a)), seed, dtype)


@both_dtypes
@random_shapes
@given(case=convolutions(), wish=pairs, seed=seeds)
def test_conv2d_max_pool(dtype, case, wish, seed) -> None:
    conv, shape = case
    _, rows, columns = conv.output_shape(shape)
    window = (min(wish[0], rows), min(wish[1], columns))
    op = Conv2dMaxPool(conv, MaxPool2d(window, window))
    activation = F.relu if op.relu else torch.nn.Identity()
    check_layer(op, shape, lambda *a: F.max_pool2d(activation(torch_conv(conv)(*a)), window), seed, dtype)


@both_dtypes
@random_shapes
@given(kernel=pairs, stride=pairs, channels=small, extra=st.tuples(small, small), padded=st.booleans(), seed=seeds)
def test_max_pool2d(dtype, kernel, stride, channels, extra, padded, seed) -> None:
    padding = (kernel[0] // 2, kernel[1] // 2) if padded else (0, 0)
    shape = (channels, kernel[0] + extra[0], kernel[1] + extra[1])
    x = np.random.default_rng(seed).integers(-2, 3, shape).astype(dtype)  # many ties: the first of a window must win
    check_pass(MaxPool2d(kernel, stride, padding), x, lambda t: F.max_pool2d(t, kernel, stride, padding), seed)


@both_dtypes
@random_shapes
@given(shape=st.lists(small, min_size=1, max_size=3), seed=seeds)
def test_relu_and_flatten(dtype, shape, seed) -> None:
    x = np.random.default_rng(seed).integers(-2, 3, shape).astype(dtype)
    check_pass(ReLU(), x, F.relu, seed)
    check_pass(Reshape(), x, lambda t: torch.flatten(t, 1), seed)


@both_dtypes
@random_shapes
@given(
    classes=st.integers(1, 20),
    scale=st.sampled_from([0.01, 1.0, 30.0]),
    smoothing=st.sampled_from([0.0, 0.1, 1.0]),
    seed=seeds,
)
def test_cross_entropy(dtype, classes, scale, smoothing, seed) -> None:
    logits = normal(np.random.default_rng(seed), (classes,), dtype) * dtype(scale)
    label = seed % classes
    loss, delta = CrossEntropy(smoothing).loss_and_error(logits, label)
    with_grad = leaf(logits)
    reference = F.cross_entropy(with_grad[None], torch.tensor([label]), label_smoothing=smoothing)
    (gradient,) = torch.autograd.grad(reference, with_grad)
    assert loss.dtype == delta.dtype == dtype
    np.testing.assert_allclose(loss, reference.item(), **TOLERANCE[dtype])
    np.testing.assert_allclose(delta, gradient.numpy(), **TOLERANCE[dtype])


@both_dtypes
@random_shapes
@given(shape=st.lists(small, min_size=1, max_size=3), scale=st.sampled_from([0.01, 1.0, 30.0]), seed=seeds)
def test_mean_squared_error(dtype, shape, scale, seed) -> None:
    rng = np.random.default_rng(seed)
    outputs, target = (normal(rng, tuple(shape), dtype) * dtype(scale) for _ in range(2))
    loss, delta = MeanSquaredError().loss_and_error(outputs, target.ravel())
    with_grad = leaf(outputs)
    reference = F.mse_loss(with_grad, torch.from_numpy(target))
    (gradient,) = torch.autograd.grad(reference, with_grad)
    assert loss.dtype == delta.dtype == dtype
    np.testing.assert_allclose(loss, reference.item(), **TOLERANCE[dtype])
    np.testing.assert_allclose(delta, gradient.numpy(), **TOLERANCE[dtype])


def test_every_loss_is_checked_here() -> None:
    assert set(LOSSES.values()) == {CrossEntropy, MeanSquaredError}


@both_dtypes
@random_shapes
@given(shape=st.lists(small, min_size=1, max_size=3), seed=seeds)
def test_add(dtype, shape, seed) -> None:
    rng = np.random.default_rng(seed)
    a, b, error = (normal(rng, tuple(shape), dtype) for _ in range(3))
    np.testing.assert_array_equal(Add().run((a, b), ()).y, a + b)
    for below in Add().backward(error, (a.shape, b.shape)):
        np.testing.assert_array_equal(below, error)


def test_every_operator_is_checked_here_or_in_more_operators() -> None:
    text = "".join(
        (Path(__file__).parent / f"test_{name}.py").read_text() for name in ("ops_against_torch", "more_operators")
    )
    assert [op for op in OPS.values() if not re.search(rf"\b{op.__name__}\(", text)] == []
