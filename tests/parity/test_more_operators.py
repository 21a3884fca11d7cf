"""Networks of activations, average pools, concatenation and reshapes: PyTorch, oracle and engine learn alike."""

import shutil
from dataclasses import fields

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import tinyprop
from tinyprop.codegen.layout import weight_hash
from tinyprop.ir.oracle import OracleTrainer

STEPS, CLASSES, LR = 40, 5, 0.1


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
