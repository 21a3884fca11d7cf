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
CASES += [["head.bias"], ["features.0.bias", "middle.weight"], ["biases"]]


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
    changed = {name for name in before if (before[name] != after[name]).any()}
    wanted = ("features.0.bias", "middle.bias", "head.bias") if trainable == ["biases"] else tuple(trainable)
    assert changed == {name for name in before if name.startswith(wanted)}
    assert (trace.macs_backward == expected.macs_backward).all()
    assert (trace.kept == expected.kept).all()


def test_what_is_frozen_costs_only_what_is_needed(
    network: tinyprop.Network, samples: tuple[np.ndarray, np.ndarray]
) -> None:
    """Full training, counted by hand: a gradient of the head is 8·4, of the middle 27·8; the error sent down too."""
    backward, paper = {}, {}
    choices = ("head", "middle", "middle head", "head.bias", "middle.bias", "middle.bias head", "features.0.bias")
    for trainable in choices:
        trainer = network.train("full", trainable=trainable.split())
        with trainer.build("host") as engine:
            trace = engine.fit(*samples)
            assert trace.macs_backward is not None
            backward[trainable] = set(trace.macs_backward.tolist())
            paper[trainable] = trainer.effort(trace).bwd * (32 + 32 + 216 + 216 + 3 * 36 * 9)
    expected = (32, 32 + 216, 64 + 216, 0, 32, 64, 32 + 216)
    assert backward == {name: {macs} for name, macs in zip(choices, expected, strict=True)}
    assert paper == pytest.approx(dict(zip(choices, expected, strict=True)))


def test_where_only_a_bias_learns_nothing_is_kept_for_the_weight(network: tinyprop.Network) -> None:
    """Neither the layer's input nor, unless equals are ranked by it, what its pool picked; nor room for a gradient."""

    def life(trainable: str, buffer: str) -> int:
        return {b.name: b.last for b in network.train("full", trainable=[trainable]).storage.buffers}[buffer]

    assert (life("head", "relu_1"), life("head.bias", "relu_1")) == (5, 3)  # step 3 is the head's forward pass
    assert network.train("full", trainable=["features.0.weight"]).storage.argmax
    assert not network.train("full", trainable=["features.0.bias"]).storage.argmax
    assert network.train("tinyprop_v1", trainable=["features.0.bias"]).storage.argmax
    assert not network.train("full", trainable="biases").storage.scratch


def test_unknown_layers_are_named(network: tinyprop.Network) -> None:
    with pytest.raises(UserError, match=r"no layer is called 'tail', 'feat': choose from features\.0, middle, head"):
        network.train("full", trainable=["tail", "head", "feat"])
    with pytest.raises(UserError, match="no layer is to train"):
        network.train("full", trainable=[])
    with pytest.raises(
        UserError, match=r"such as head\.bias, or one of last_layer, last_block, biases, batch_norms, all"
    ):
        network.train("full", trainable="last_layers")
    for given in (3, [3]):
        with pytest.raises(UserError, match=r"trainable is .*3.*: pass names such as"):
            network.train("full", trainable=given)  # type: ignore[arg-type]
