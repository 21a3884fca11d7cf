"""Training some layers, or only biases: PyTorch, the oracle, the host and a board."""

import shutil
from dataclasses import fields

import numpy as np
import pytest
import torch
from torch import nn

import tinyprop
from tinyprop import SGD
from tinyprop.codegen.layout import weight_hash
from tinyprop.ir.oracle import OracleTrainer
from tinyprop.trace import StepTrace

HOST_TOOLCHAIN = "gcc" if shutil.which("gcc") else "zig"
STEPS, CLASSES = 40, 4
HEAVY = SGD(momentum=0.8, weight_decay=0.05)
SKIPPING = tinyprop.TinyPropV2(theta_skip=0.3)


class Separable(nn.Module):
    """Every kind of convolution kernel, a skip connection, a dense layer below another."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.strided = nn.Conv2d(3, 3, 2, padding=1)
        self.depthwise, self.pointwise = nn.Conv2d(3, 3, 3, padding=1, groups=3), nn.Conv2d(3, 3, 1)
        self.wide, self.middle, self.head = nn.Conv2d(3, 4, 3, 2, 1), nn.Linear(36, 8), nn.Linear(8, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.strided(self.stem(x)).relu()
        x = (x + self.pointwise(self.depthwise(x).relu())).relu()
        return self.head(self.middle(self.wide(x).flatten(1)).relu())


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(4)
    return Separable()


@pytest.fixture(scope="module")
def network(model: nn.Module) -> tinyprop.Network:
    return tinyprop.capture(model, np.zeros((1, 1, 8, 8), np.float32))


@pytest.fixture(scope="module")
def samples() -> tuple[np.ndarray, np.ndarray]:
    """Two samples in turn, soon learned, so that some steps are skipped."""
    turn = np.arange(STEPS) % 2
    return np.random.default_rng(2).standard_normal((2, 1, 8, 8)).astype(np.float32)[turn], turn


def assert_same(got: StepTrace, expected: StepTrace) -> None:
    for field in fields(StepTrace):
        one, other = getattr(got, field.name), getattr(expected, field.name)
        if one is not None and other is not None:
            np.testing.assert_array_equal(one, other, err_msg=field.name)


CASES = [
    *(("biases", method, SGD()) for method in ("full", "full_zero_skip", "tinyprop_v1", SKIPPING, "ours")),
    *(("biases", method, HEAVY) for method in ("full", SKIPPING)),
    (["biases", "last_layer"], "ours", SGD()),
    ("last_block", SKIPPING, HEAVY),
    (["stem.0.bias", "wide.weight", "middle.weight"], SKIPPING, SGD()),
    (["strided.weight", "pointwise.bias", "head.bias"], "full", HEAVY),
    (["depthwise.bias", "wide"], "tinyprop_v1", SGD(weight_decay=0.1)),
]


@pytest.mark.parametrize(("trainable", "method", "optimizer"), CASES)
def test_oracle_and_host_train_the_same_bits(network, samples, trainable, method, optimizer) -> None:
    trainer = network.train(method, optimizer=optimizer, trainable=trainable)
    oracle = OracleTrainer(trainer.train_program)
    with trainer.build("host", HOST_TOOLCHAIN) as engine:
        assert_same(engine.fit(*samples, lr=0.1), oracle.fit(*samples, 0.1))
        assert engine.weight_hash() == weight_hash(oracle.parameters)
        assert engine.facts.memory_bytes == trainer.memory.model
        before = network.program.parameters
        changed = {name for name, array in engine.weights().items() if (array != before[name]).any()}
    assert changed == set(trainer.train_program.trainable)


@pytest.mark.parametrize(("trainable", "method"), [("biases", SKIPPING), (["wide.bias", "last_layer"], "ours")])
def test_board_and_host_train_the_same_bits(network, samples, trainable, method) -> None:
    """Sized kernels on the board, inlined ones on the host."""
    with (
        network.train(method, optimizer=HEAVY, trainable=trainable).build("host", HOST_TOOLCHAIN) as host,
        network.train(method, optimizer=HEAVY, trainable=trainable, kernels="size").build("nano33ble") as board,
    ):
        assert_same(board.fit(*samples, lr=0.1), host.fit(*samples, lr=0.1))
        assert board.weight_hash() == host.weight_hash()


@pytest.mark.parametrize("trainable", ["biases", ["stem.0.weight", "depthwise.bias", "head"]], ids=str)
def test_twenty_steps_as_in_torch(model, network, samples, trainable) -> None:
    trainer = network.train("full", optimizer=HEAVY, trainable=trainable)
    twin = Separable()
    twin.load_state_dict(model.state_dict())
    for name, parameter in twin.named_parameters():
        parameter.requires_grad_(name in trainer.train_program.trainable)
    learning = [parameter for parameter in twin.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(learning, lr=0.05, momentum=HEAVY.momentum, weight_decay=HEAVY.weight_decay)
    x, y = (array[:20] for array in samples)
    for sample, label in zip(torch.from_numpy(x), torch.from_numpy(y), strict=True):
        optimizer.zero_grad()
        nn.functional.cross_entropy(twin(sample[None]), label[None]).backward()
        optimizer.step()
    oracle = OracleTrainer(trainer.train_program)
    oracle.fit(x, y, 0.05)
    for key, tensor in twin.state_dict().items():
        np.testing.assert_allclose(oracle.parameters[key], tensor.numpy(), rtol=1e-4, atol=1e-5, err_msg=key)
