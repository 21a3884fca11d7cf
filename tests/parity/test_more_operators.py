"""Activations, average pools, concatenation and reshapes: against PyTorch autograd, and oracle against engine."""

import shutil
from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import tinyprop
from tinyprop.codegen.layout import weight_hash
from tinyprop.ir.op import PassOp
from tinyprop.ir.ops import AvgPool2d, Clamp, Concat, HardSigmoid, HardSwish, LeakyReLU, Reshape, Sigmoid, Tanh
from tinyprop.ir.oracle import OracleTrainer

TOLERANCE = {np.float64: {"rtol": 1e-10, "atol": 1e-11}, np.float32: {"rtol": 1e-5, "atol": 1e-6}}
STEPS, CLASSES, LR = 40, 5, 0.1
both_dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32])
random_shapes = settings(max_examples=25, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
small = st.integers(1, 4)
pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
scales = st.sampled_from([1e-3, 1.0, 3.0, 50.0])

TorchOp = Callable[[torch.Tensor], torch.Tensor]
ACTIVATIONS: list[tuple[PassOp, TorchOp]] = [
    (Clamp(0, 6), F.relu6),
    (Clamp(-1, 0.5), lambda t: F.hardtanh(t, -1, 0.5)),
    (LeakyReLU(0.01), F.leaky_relu),
    (LeakyReLU(0), lambda t: F.leaky_relu(t, 0)),
    (HardSwish(), F.hardswish),
    (HardSigmoid(), lambda t: F.relu6(t + 3) / 6),  # that of torch takes 1/6 in float32 only
    (Sigmoid(), torch.sigmoid),
    (Tanh(), torch.tanh),
]


def check_pass(op: PassOp, x: np.ndarray, reference: TorchOp, seed: int) -> None:
    """Output and error of `op` equal those of `reference`, which takes a batch."""
    ran = op.forward(x, ())
    error = np.random.default_rng(seed).normal(size=ran.y.shape).astype(x.dtype)
    leaf = torch.from_numpy(x.copy()).requires_grad_()
    y = reference(leaf[None])[0]
    (gradient,) = torch.autograd.grad(y, leaf, torch.from_numpy(error))
    below = op.backward(error, x, ran)
    assert ran.y.shape == op.output_shape(x.shape)
    assert ran.y.dtype == below.dtype == x.dtype
    np.testing.assert_allclose(ran.y, y.detach().numpy(), **TOLERANCE[x.dtype.type])
    np.testing.assert_allclose(below, gradient.numpy(), **TOLERANCE[x.dtype.type])


@both_dtypes
@pytest.mark.parametrize(
    ("op", "reference"), ACTIVATIONS, ids=lambda case: str(case) if isinstance(case, PassOp) else ""
)
@random_shapes
@given(shape=st.lists(small, min_size=1, max_size=3), scale=scales, seed=seeds)
def test_activation(op, reference, dtype, shape, scale, seed) -> None:
    x = (np.random.default_rng(seed).normal(size=shape) * scale).astype(dtype)
    check_pass(op, x, reference, seed)


@both_dtypes
@random_shapes
@given(
    kernel=pairs, stride=pairs, channels=small, extra=st.tuples(small, small), padded=..., count_padding=..., seed=seeds
)
def test_avg_pool2d(dtype, kernel, stride, channels, extra, padded: bool, count_padding: bool, seed) -> None:
    padding = (kernel[0] // 2, kernel[1] // 2) if padded else (0, 0)
    x = np.random.default_rng(seed).normal(size=(channels, kernel[0] + extra[0], kernel[1] + extra[1])).astype(dtype)
    op = AvgPool2d(kernel, stride, padding, count_padding)
    check_pass(op, x, lambda t: F.avg_pool2d(t, kernel, stride, padding, False, count_padding), seed)


@both_dtypes
@random_shapes
@given(shape=st.tuples(small, small, small), seed=seeds)
def test_global_average_and_reshape(dtype, shape, seed) -> None:
    x = np.random.default_rng(seed).normal(size=shape).astype(dtype)
    check_pass(AvgPool2d(shape[1:], shape[1:]), x, lambda t: t.mean((2, 3), keepdim=True), seed)
    for target in ((-1,), (shape[0], -1), (1, *shape[::-1]), (shape[0] * shape[1], 1, -1)):
        check_pass(Reshape(target), x, lambda t, to=target: t.reshape(1, *to), seed)


@both_dtypes
@random_shapes
@given(channels=st.lists(small, min_size=2, max_size=4), rest=st.lists(small, max_size=2), seed=seeds)
def test_concat(dtype, channels, rest, seed) -> None:
    rng = np.random.default_rng(seed)
    xs = tuple(rng.normal(size=(c, *rest)).astype(dtype) for c in channels)
    y = Concat().run(xs, ()).y
    error = rng.normal(size=y.shape).astype(dtype)
    leaves = [torch.from_numpy(x).requires_grad_() for x in xs]
    expected = torch.cat(leaves)
    gradients = torch.autograd.grad(expected, leaves, torch.from_numpy(error))
    assert Concat().shape_after(tuple(x.shape for x in xs)) == y.shape
    np.testing.assert_array_equal(y, expected.detach().numpy())
    for below, gradient in zip(Concat().backward(error, tuple(x.shape for x in xs)), gradients, strict=True):
        np.testing.assert_array_equal(below, gradient.numpy())


class Activated(nn.Module):
    """Every activation, on maps and vectors, behind layers and pools; uneven average pools."""

    shape = (2, 9, 8)

    def __init__(self) -> None:
        super().__init__()
        first = [nn.Conv2d(2, 4, 3, padding=1), nn.ReLU6(), nn.MaxPool2d(2), nn.Conv2d(4, 5, 3, padding=1)]
        second = [nn.Hardswish(), nn.AvgPool2d(3, 2, 1, count_include_pad=False), nn.Conv2d(5, 4, 2), nn.MaxPool2d(1)]
        third = [nn.LeakyReLU(0.125), nn.AvgPool2d((1, 2), (1, 1), (0, 1)), nn.Flatten(), nn.Linear(8, 7), nn.Sigmoid()]
        last = [nn.Linear(7, 9), nn.Tanh(), nn.Linear(9, 8), nn.Hardsigmoid(), nn.Linear(8, 6), nn.Hardtanh()]
        self.layers = nn.Sequential(*first, *second, *third, *last, nn.Linear(6, CLASSES))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


class Joined(nn.Module):
    """Values read by several activations, one in place; concatenations of a value with itself and with the sample."""

    shape = (2, 6, 6)

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(11, 4, 1), nn.Conv2d(4, 4, 3, padding=1)
        self.head = nn.Linear(20, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = self.a(x)
        b = self.b(torch.cat([a.tanh(), F.hardswish(a), x, a], 1))
        c = torch.cat([b, F.leaky_relu(self.c(F.relu6(b)), 0.5, inplace=True)], -3)
        pooled, whole = F.adaptive_avg_pool2d(c.sigmoid(), (2, 1)).flatten(2), c.mean((2, 3))
        signal = F.max_pool1d(F.avg_pool1d(pooled.reshape(1, 4, 4), 3, 1, 1), 2)
        return self.head(
            torch.cat([whole.tanh_(), signal.flatten(1), b.mean([-2, -1], keepdim=True).squeeze((2, 3))], 1)
        )


class Doubled(nn.Module):
    """A vector behind itself, and the last value an activation: its derivative outlives the loss."""

    shape = (6,)

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(6, 7), nn.Linear(14, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.a(x).sigmoid_()
        return F.hardswish(self.b(torch.cat([x, x], 1))).tanh()


MODELS = {"activated": Activated, "joined": Joined, "doubled": Doubled}


def model_named(name: str) -> nn.Module:
    torch.manual_seed(3)
    return MODELS[name]()


def samples(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Two samples in turn, so that they are soon learned."""
    order = np.arange(STEPS) % 2
    return np.random.default_rng(1).normal(size=(2, *shape)).astype(np.float32)[order], order


@pytest.mark.parametrize("name", MODELS)
def test_a_network_learns_as_in_pytorch(name) -> None:
    model = model_named(name)
    x, labels = samples(model.shape)
    oracle = OracleTrainer(tinyprop.capture(model, x[:1], name=name).train("full").train_program)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    for sample, label in zip(x[:8], labels, strict=False):
        loss = F.cross_entropy(model(torch.from_numpy(sample[None])), torch.tensor([int(label)]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        np.testing.assert_allclose(oracle.step(sample, int(label), LR).loss, loss.item(), rtol=1e-4)
    for key, value in model.state_dict().items():
        np.testing.assert_allclose(oracle.parameters[key], value.numpy(), rtol=1e-3, atol=1e-5, err_msg=key)


CASES = [(name, method, "inline") for name in MODELS for method in ("full", "tinyprop_v2")]


@pytest.mark.parametrize(("name", "method", "kernels"), [*CASES, ("joined", "full_zero_skip", "size")])
def test_engine_equals_oracle(name, method, kernels) -> None:
    model = model_named(name)
    x, labels = samples(model.shape)
    trainer = tinyprop.capture(model, x[:1], name=name).train(method, kernels=kernels)
    oracle = OracleTrainer(trainer.train_program)
    with trainer.build("host", toolchain="gcc" if shutil.which("gcc") else "zig") as engine:
        got, expected = engine.fit(x, labels, lr=LR), oracle.fit(x, labels, LR)
        hash_of_engine = engine.weight_hash()
    for field in fields(expected):
        wanted = getattr(expected, field.name)
        if wanted is not None:
            np.testing.assert_array_equal(getattr(got, field.name), wanted, err_msg=field.name)
    assert hash_of_engine == weight_hash(oracle.parameters)
