"""The networks of the field on emulated boards: the host's bits, and no sparse step dearer than a dense one."""

from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

import tinyprop
from battery.rules import EVERY_RULE
from tinyprop.bench.networks import MlpS
from tinyprop.bench.on_boards.config import DS_CNN_LAST_BLOCK
from tinyprop.models import MODELS
from tinyprop.surface import Network, Trainer
from tinyprop.targets import Engine
from tinyprop.trace import StepTrace

LR = 0.005
LARGE = {"lenet5": ("nucleo-l4r5zi", 2), "ds_cnn": ("nucleo-l4r5zi", 2), "resnet8": ("apollo4p-evb", 1)}


@cache
def network(name: str, offset: float = 0.0, batch_norm: str = "fold") -> Network:
    """Random weights, batch norms that have seen data. offset: of them; a large one leaves hardly a ReLU at zero."""
    torch.manual_seed(0)
    model = MlpS() if name == "mlp" else MODELS[name].make()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            module.bias.data.fill_(offset)
    shape = (1, 8, 8) if name == "mlp" else MODELS[name].input_shape
    return tinyprop.capture(model.eval(), torch.zeros(1, *shape), name=name, batch_norm=batch_norm)


def learn(engine: Engine, steps: int) -> tuple[StepTrace, str]:
    """The trace of `steps` steps on noise, the same every time, and the hash of the weights behind them."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal((steps, *engine.input_shape)).astype(np.float32)
    trace = engine.fit(x, rng.integers(0, 10, steps), lr=LR)
    return trace, engine.weight_hash()


@pytest.mark.parametrize(
    ("name", "board", "trainable", "steps"),
    [
        *((name, board, None, steps) for name, (board, steps) in LARGE.items()),
        ("mlp", "rp2040", None, 5),
        ("mlp", "esp32c3", None, 5),
        ("ds_cnn", "rp2040", DS_CNN_LAST_BLOCK, 1),
        ("ds_cnn", "esp32c3", DS_CNN_LAST_BLOCK, 1),
    ],
)
def test_board_and_host_train_the_same_bits(name, board, trainable, steps) -> None:
    assert_same_bits(network(name).train("tinyprop_v2", trainable=trainable), board, steps)


@pytest.mark.parametrize(("board", "trainable"), [("apollo4p-evb", None), ("nucleo-l4r5zi", "batch_norms")])
def test_board_and_host_train_the_same_batch_norms(board, trainable) -> None:
    trainer = network("ds_cnn", batch_norm="train").train("tinyprop_v2", trainable=trainable)
    assert "features.1.weight" in trainer.train_program.trainable
    assert_same_bits(trainer, board, 2)


def assert_same_bits(trainer: Trainer, board: str, steps: int) -> None:
    with trainer.build("host") as host, trainer.build(board) as emulated:
        before = host.weight_hash()
        (host_trace, host_hash), (board_trace, board_hash) = (learn(engine, steps) for engine in (host, emulated))
    assert host_hash == board_hash != before
    np.testing.assert_array_equal(host_trace.kept, board_trace.kept)
    assert (board_trace.instructions > 0).all()


@pytest.mark.parametrize("name", LARGE)
def test_the_worst_sparse_step_costs_no_more_than_a_dense_one(name) -> None:
    board, steps = LARGE[name]
    worst = {}
    for method in EVERY_RULE:
        with network(name).train(method).build(board) as engine:
            worst[method] = int(learn(engine, steps)[0].instructions.max())
    assert {method: n for method, n in worst.items() if n > worst["full"]} == {}
    assert worst["ours"] < 0.9 * worst["full"]  # it is sparse at all


@pytest.mark.parametrize("name", ["ds_cnn", "resnet8"])
def test_looking_for_zeros_where_there_are_few_costs_next_to_nothing(name) -> None:
    """Layers whose lists would be long run as the dense step does, to the same bits."""
    board, _ = LARGE[name]
    runs = {}
    for method in ("full", "full_zero_skip", "tinyprop_v2", "ours"):
        with network(name, offset=8.0).train(method).build(board) as engine:
            runs[method] = learn(engine, 1)
    (dense, dense_hash), (sparse, sparse_hash) = runs["full"], runs["full_zero_skip"]
    assert sparse_hash == dense_hash
    assert (sparse.kept > 0.7 * dense.kept).mean() > 0.7  # there is little to leave out
    assert sparse.instructions[0] < 1.03 * dense.instructions[0]
    assert runs["tinyprop_v2"][0].instructions[0] < 1.03 * dense.instructions[0]
    assert runs["ours"][0].instructions[0] < dense.instructions[0]
