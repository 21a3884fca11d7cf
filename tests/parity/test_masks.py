"""Training with packed masks: engine, board and oracle to the last bit, and the same weights as without."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import tinyprop
from tinyprop.codegen.layout import weight_hash
from tinyprop.ir.masks import maskable, with_masks
from tinyprop.ir.oracle import OracleTrainer
from tinyprop.ir.train_program import BackwardStep, PackMaskStep, PassErrorStep
from tinyprop.surface import Trainer

CLASSES, STEPS, LR = 4, 8, 0.01
SHAPE = (2, 6, 11)


class Net(nn.Module):
    """Every kind of mask, on sizes that fill no byte, below every kind of kernel that reads them."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(2, 5, 3, padding=1), nn.Conv2d(5, 5, 3, padding=1, groups=5)
        self.c, self.d = nn.Conv2d(5, 7, 1), nn.Conv2d(7, 7, 3, padding=1)
        self.e, self.f = nn.Conv2d(7, 3, (2, 3), (1, 2)), nn.Linear(75, 19)
        self.g, self.h, self.i = nn.Linear(19, 21), nn.Linear(21, 5), nn.Linear(5, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.b(self.a(x).relu()).relu()
        x = functional.relu6(self.c(x))
        x = (self.d(x).relu() + x).relu()
        x = functional.leaky_relu(self.f(self.e(x).relu().flatten(1)), 0.125)
        return self.i(self.h(self.g(x).relu()).relu())


@pytest.fixture(scope="module")
def network() -> tinyprop.Network:
    torch.manual_seed(3)
    return tinyprop.capture(Net(), torch.zeros(1, *SHAPE), name="net")


@pytest.fixture(scope="module")
def samples() -> tuple[np.ndarray, np.ndarray]:
    """Large enough to reach the upper bound of a ReLU6."""
    generator = np.random.default_rng(0)
    return (10 * generator.standard_normal((STEPS, *SHAPE))).astype(np.float32), generator.integers(0, CLASSES, STEPS)


def unpacked(trainer: Trainer) -> Trainer:
    """The same training with whole activations."""
    steps = [
        replace(step, packed=None)
        if isinstance(step, PassErrorStep)
        else replace(step, packed_input=None, packed_output=None)
        if isinstance(step, BackwardStep)
        else step
        for step in trainer.train_program.steps
        if not isinstance(step, PackMaskStep)
    ]
    return replace(trainer, train_program=replace(trainer.train_program, steps=tuple(steps)))


def all_packed(trainer: Trainer) -> Trainer:
    """The same training with every mask there is, useful or not."""
    train = trainer.train_program
    return replace(trainer, train_program=with_masks(train, maskable(train)))


@pytest.mark.parametrize("kernels", ["inline", "size"])
@pytest.mark.parametrize("method", ["full", "tinyprop_v2"])
@pytest.mark.parametrize(("trainable", "masks"), [("a", 9), ("d", 6), ("biases", 9)])
def test_engine_and_oracle_train_the_same_bits(network, samples, trainable, masks, method, kernels) -> None:
    trainer = all_packed(network.train(method, kernels=kernels, trainable=[trainable]))
    assert len(trainer.storage.mask) == masks
    oracle = OracleTrainer(trainer.train_program)
    expected = oracle.fit(*samples, LR)
    with trainer.build("host", toolchain="gcc" if shutil.which("gcc") else "zig") as engine:
        got = engine.fit(*samples, lr=LR)
        assert engine.weight_hash() == weight_hash(oracle.parameters)
    assert weight_hash(oracle.parameters) != weight_hash(trainer.train_program.program.parameters)
    for column in ("loss", "kept", "skipped", "macs_forward", "macs_backward", "looks"):
        np.testing.assert_array_equal(getattr(got, column), getattr(expected, column), err_msg=column)


def test_the_board_trains_the_same_bits_and_masks_are_cheap(network, samples) -> None:
    """Packing and reading cost a few instructions an element; in this network few products come with each."""
    trainer = all_packed(network.train("full", trainable=["a"]))
    program = trainer.train_program.program
    elements = sum(program.values[value].size for value in trainer.storage.mask)
    instructions, hashes = [], []
    for version in (trainer, unpacked(trainer)):
        with version.build("nano33ble") as board:
            instructions.append(board.fit(*samples, lr=LR).instructions.mean())
            hashes.append(board.weight_hash())
    with trainer.build("host") as engine:
        engine.fit(*samples, lr=LR)
        assert {engine.weight_hash()} == set(hashes)
    packed, whole = instructions
    assert 0 < packed - whole < 8 * elements
    assert packed < 1.04 * whole


def test_a_network_that_ends_in_a_relu_packs_it_before_the_loss(samples) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(132, 30), nn.ReLU6(), nn.Linear(30, 90), nn.ReLU())
    trainer = tinyprop.capture(model, torch.zeros(1, *SHAPE), name="ends").train("full", loss="mse")
    assert set(trainer.storage.mask) == {"relu"}
    assert trainer.storage.error["relu"] == trainer.storage.activation["relu"]
    oracle = OracleTrainer(trainer.train_program)
    targets = np.random.default_rng(1).random((STEPS, 90), dtype=np.float32)
    oracle.fit(samples[0], targets, LR)
    with trainer.build("host") as engine:
        engine.fit(samples[0], targets, lr=LR)
        assert engine.weight_hash() == weight_hash(oracle.parameters)
