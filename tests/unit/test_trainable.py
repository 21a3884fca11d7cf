"""Frozen layers: what does not train costs no gradient, and no error unless something below it trains."""

import numpy as np
import pytest
import torch
from torch import nn

import tinyprop
from tinyprop.codegen.layout import weight_hash
from tinyprop.errors import UserError
from tinyprop.ir.oracle import OracleTrainer


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.middle = nn.Linear(27, 8)
        self.head = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.middle(self.features(x).flatten(1)).relu())


@pytest.fixture(scope="module")
def network() -> tinyprop.Network:
    torch.manual_seed(2)
    return tinyprop.capture(Net(), torch.zeros(1, 1, 6, 6))


@pytest.fixture(scope="module")
def samples() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    return generator.standard_normal((20, 1, 6, 6)).astype(np.float32), generator.integers(0, 4, 20)


CASES = [["head"], ["middle"], ["features"], ["features.0", "head"], ["middle", "head"]]


@pytest.mark.parametrize("trainable", CASES, ids=" ".join)
@pytest.mark.parametrize("method", ["full", "tinyprop_v2"])
def test_only_what_is_trainable_changes(
    network: tinyprop.Network, samples: tuple[np.ndarray, np.ndarray], trainable: list[str], method: str
) -> None:
    trainer = network.train(method, trainable=trainable)
    oracle = OracleTrainer(trainer.train_program)
    expected = oracle.fit(*samples, 0.1)
    with trainer.build("host") as engine:
        before = engine.weights()
        trace = engine.fit(*samples, lr=0.1)
        after = engine.weights()
        assert engine.weight_hash() == weight_hash(oracle.parameters)
    changed = {name.rpartition(".")[0] for name in before if (before[name] != after[name]).any()}
    assert changed == {{"features": "features.0"}.get(name, name) for name in trainable}
    assert (trace.macs_backward == expected.macs_backward).all()
    assert (trace.kept == expected.kept).all()


def test_a_frozen_layer_costs_only_what_is_needed(
    network: tinyprop.Network, samples: tuple[np.ndarray, np.ndarray]
) -> None:
    """Full training, counted by hand: the head's gradient is 8·4; below a trained middle it also sends 8·4 down."""
    backward = {}
    for trainable in (["head"], ["middle"], ["middle", "head"]):
        with network.train("full", trainable=trainable).build("host") as engine:
            counts = engine.fit(*samples).macs_backward
            assert counts is not None
            backward[" ".join(trainable)] = set(counts.tolist())
    assert backward == {"head": {32}, "middle": {32 + 216}, "middle head": {64 + 216}}


def test_unknown_layers_are_named(network: tinyprop.Network) -> None:
    with pytest.raises(UserError, match=r"no layer is called 'tail', 'feat': choose from features\.0, middle, head"):
        network.train("full", trainable=["tail", "head", "feat"])
    with pytest.raises(UserError, match="no layer is to train"):
        network.train("full", trainable=[])
