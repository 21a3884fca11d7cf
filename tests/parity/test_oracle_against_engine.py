"""The C engine on the host and the oracle: the same decisions, counts and weights, to the last bit."""

import shutil
from dataclasses import fields

import numpy as np
import pytest
import torch
from torch import nn

import tinyprop
from tinyprop.codegen.layout import weight_hash
from tinyprop.ir.oracle import OracleTrainer
from tinyprop.methods import METHODS, method_named
from tinyprop.surface import Network

STEPS, CLASSES, LR = 60, 5, 0.2


def mlp() -> tuple[nn.Module, tuple[int, ...]]:
    layers = [nn.Linear(13, 20), nn.ReLU(), nn.Linear(20, 9), nn.ReLU(), nn.Linear(9, CLASSES)]
    return nn.Sequential(*layers), (13,)


def pooled() -> tuple[nn.Module, tuple[int, ...]]:
    first = [nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    second = [nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(24, CLASSES)), (1, 8, 8)


def irregular() -> tuple[nn.Module, tuple[int, ...]]:
    """Strides, a pool that leaves rows over, overlapping windows, no ReLU before a dense layer, no bias."""
    first = [nn.Conv2d(2, 3, (3, 2), stride=(2, 1), bias=False), nn.MaxPool2d(2), nn.ReLU()]
    second = [nn.Conv2d(3, 4, 2), nn.MaxPool2d(2, stride=1, padding=1), nn.Flatten()]
    return nn.Sequential(*first, *second, nn.Linear(32, 7, bias=False), nn.ReLU(), nn.Linear(7, CLASSES)), (2, 11, 10)


class Residual(nn.Module):
    """Two blocks: the first adds its input back, the second a projection of it, as in a ResNet."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.a, self.b = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 1)
        self.c, self.d, self.short = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(3, 4, 1, 2)
        self.head = nn.Linear(36, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x).relu()
        x = (x + self.b(self.a(x).relu())).relu()
        x = (self.d(self.c(x).relu()) + self.short(x)).relu()
        return self.head(x.flatten(1))


class Fork(nn.Module):
    """A dense value read three times, twice by an addition with itself."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.a, self.b, self.head = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x).relu()
        return self.head((self.a(x) + self.b(x).relu()) + (x + x))


def residual() -> tuple[nn.Module, tuple[int, ...]]:
    return Residual(), (1, 6, 6)


def forked() -> tuple[nn.Module, tuple[int, ...]]:
    return Fork(), (6,)


@pytest.fixture(scope="module")
def networks() -> dict[str, Network]:
    torch.manual_seed(0)
    built = {build.__name__: build() for build in (mlp, pooled, irregular, residual, forked)}
    return {
        name: tinyprop.capture(model, np.zeros((1, *shape), np.float32), name=name)
        for name, (model, shape) in built.items()
    }


def samples(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Two samples in turn, soon learned, so that some steps are skipped; many of their values are zero."""
    rng = np.random.default_rng(1)
    x = np.maximum(rng.integers(-2, 3, (2, *shape)), 0).astype(np.float32) / 2
    order = np.arange(STEPS) % 2
    return x[order], order


SETTINGS = {"loss_skip": {"tau": 0.2}}  # the default skips none of so few steps
CASES = [(name, method, True) for name in ("mlp", "pooled", "irregular", "residual", "forked") for method in METHODS]
CASES += [("mlp", "tinyprop_v2", False), ("irregular", "full_zero_skip", False)]


@pytest.mark.parametrize(("name", "method", "skip_zero_inputs"), CASES)
def test_same_steps_and_weights(networks, name, method, skip_zero_inputs) -> None:
    chosen = method_named(method, **SETTINGS.get(method, {}))
    trainer = networks[name].train(chosen, skip_zero_inputs=skip_zero_inputs)
    oracle = OracleTrainer(trainer.train_program)
    x, labels = samples(trainer.train_program.program.input.shape)
    with trainer.build("host", toolchain="gcc" if shutil.which("gcc") else "zig") as engine:
        got, expected = engine.fit(x, labels, lr=LR), oracle.fit(x, labels, LR)
        hash_of_engine = engine.weight_hash()
    for field in fields(expected):
        wanted = getattr(expected, field.name)
        if wanted is not None:
            np.testing.assert_array_equal(getattr(got, field.name), wanted, err_msg=field.name)
    assert got.skipped.any() == (method in ("loss_skip", "tinyprop_v2", "ours", "ours_at_effort"))
    assert hash_of_engine == weight_hash(oracle.parameters)
