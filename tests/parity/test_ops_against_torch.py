"""Every operator and loss, forward and backward, against PyTorch autograd over random shapes and values."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.cases import KINKS
from battery.differentiation import SUMS, assert_is_autograd, draw
from battery.drawn import DRAWN
from battery.torch_twin import loss_twin
from tinyprop.ir.losses import CrossEntropy, MeanSquaredError
from tinyprop.ir.op import LayerOp
from tinyprop.ir.ops import ACTIVATIONS, OPS, MaxPool2d

both_dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32])
seeds = st.integers(0, 2**32 - 1)
random_shapes = settings(max_examples=25, deadline=None, derandomize=True)
scales = st.sampled_from([1e-3, 1.0, 3.0, 50.0])


def test_every_operator_is_drawn() -> None:
    assert DRAWN.keys() == OPS.keys()


@both_dtypes
@pytest.mark.parametrize("kind", DRAWN)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data(), seed=seeds)
def test_operator(kind, dtype, data, seed) -> None:
    case = data.draw(DRAWN[kind])
    scale = data.draw(scales) if isinstance(case.op, ACTIVATIONS) else 1.0
    arguments, error = draw(case.op, case.shapes, dtype, seed, scale)
    assert case.op.shape_after(case.shapes) == error.shape
    assert_is_autograd(case.op, arguments, error)


@both_dtypes
@pytest.mark.parametrize("kind", [MaxPool2d.kind, *(op.kind for op in ACTIVATIONS)])
@random_shapes
@given(data=st.data(), seed=seeds)
def test_ties_and_kinks(kind, dtype, data, seed) -> None:
    """The first of equals in a window takes the error; at a kink an activation passes what PyTorch's passes."""
    case = data.draw(DRAWN[kind])
    assert not isinstance(case.op, LayerOp)
    x = np.random.default_rng(seed).choice(KINKS, case.shapes[0]).astype(dtype)
    assert_is_autograd(case.op, [x], draw(case.op, case.shapes, dtype, seed)[1])


@both_dtypes
@random_shapes
@given(
    classes=st.integers(1, 20),
    scale=st.sampled_from([0.01, 1.0, 30.0]),
    smoothing=st.sampled_from([0.0, 0.1, 1.0]),
    seed=seeds,
)
def test_cross_entropy(dtype, classes, scale, smoothing, seed) -> None:
    logits = np.random.default_rng(seed).normal(size=classes).astype(dtype) * dtype(scale)
    same_loss(CrossEntropy(smoothing), logits, seed % classes)


@both_dtypes
@random_shapes
@given(size=st.integers(1, 20), scale=st.sampled_from([0.01, 1.0, 30.0]), seed=seeds)
def test_mean_squared_error(dtype, size, scale, seed) -> None:
    rng = np.random.default_rng(seed)
    same_loss(MeanSquaredError(), *(rng.normal(size=size).astype(dtype) * dtype(scale) for _ in range(2)))


def same_loss(loss, outputs, truth) -> None:
    value, delta = loss.loss_and_error(outputs, truth)
    leaf = torch.from_numpy(outputs).requires_grad_()
    reference = loss_twin(loss, leaf, torch.from_numpy(truth) if loss.learns_targets else truth)
    (gradient,) = torch.autograd.grad(reference, leaf)
    assert value.dtype == delta.dtype == outputs.dtype
    np.testing.assert_allclose(value, reference.item(), **SUMS[outputs.dtype.type])
    np.testing.assert_allclose(delta, gradient.numpy(), **SUMS[outputs.dtype.type])
