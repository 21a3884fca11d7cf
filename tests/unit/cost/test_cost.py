"""The cost model beside what was counted by hand and what the compiled engine says of itself."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import tinyprop
from tinyprop.bench.networks import CnnS, MlpS
from tinyprop.cost import plain_macs
from tinyprop.errors import InternalError


@pytest.fixture(scope="module")
def cnn() -> tinyprop.Network:
    torch.manual_seed(0)
    return tinyprop.capture(CnnS(), torch.zeros(1, 1, 16, 16))


def _samples(count: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(1)
    return generator.random((count, 1, 16, 16)).astype(np.float32), generator.integers(0, 10, count)


def test_plain_training_is_counted_on_paper(cnn: tinyprop.Network) -> None:
    plain = plain_macs(cnn.program)
    assert plain.forward == 94_720
    assert sum(plain.backward) == 171_008
    mlp = plain_macs(tinyprop.capture(MlpS(), torch.zeros(1, 64)).program)
    assert (mlp.forward, sum(mlp.backward)) == (2_720, 2_720 + 32 * 16 + 16 * 10)


def test_full_training_is_the_yardstick_and_sparse_methods_are_below(cnn: tinyprop.Network) -> None:
    efforts = {}
    for method in tinyprop.METHODS:
        trainer = cnn.train(method)
        with trainer.build("host") as engine:
            efforts[method] = trainer.effort(engine.fit(*_samples(20), lr=0.02))
    full = efforts.pop("full")
    assert (full.bwd, full.total) == pytest.approx((1.0, 1.0))
    assert all(0 < e.bwd < 0.3 and 0.2 < e.total < 0.6 for e in efforts.values())


@pytest.mark.parametrize("effort", [0.05, 0.1])
def test_a_budget_is_kept(cnn: tinyprop.Network, effort: float) -> None:
    """Whatever the labels are: here nothing can be learned, so that no step is skipped."""
    trainer = cnn.train(tinyprop.OursAtEffort(effort, tau=0.0))
    with trainer.build("host") as engine:
        engine.fit(*_samples(300), lr=0.001)  # until the bars have found their place
        reached = trainer.effort(engine.fit(*_samples(600), lr=0.001)).bwd
    assert 0.5 * effort < reached <= 1.1 * effort  # zeros are left out besides


def test_effort_is_what_the_oracle_counts(cnn: tinyprop.Network) -> None:
    from tinyprop.ir.oracle import OracleTrainer

    trainer = cnn.train("tinyprop_v2")
    x, y = _samples(4)
    with trainer.build("host") as engine:
        assert trainer.effort(engine.fit(x, y)) == trainer.effort(OracleTrainer(trainer.train_program).fit(x, y, 0.01))


def test_effort_needs_counts(cnn: tinyprop.Network) -> None:
    trainer = cnn.train("ours")
    with trainer.build("host") as engine:
        trace = replace(engine.fit(*_samples(2)), macs_forward=None)
    with pytest.raises(InternalError, match="host engine"):
        trainer.effort(trace)


@pytest.mark.parametrize("method", sorted(tinyprop.METHODS))
def test_bytes_are_those_of_the_compiled_memory(cnn: tinyprop.Network, method: str) -> None:
    trainer = cnn.train(method)
    with trainer.build("host") as engine:
        assert trainer.memory.model == engine.facts.memory_bytes
    memory = trainer.memory
    learns = {"last_layers": 2_570, "bias_only": 2_594, "sparse_update": 3_746}.get(method, 3_818)
    assert memory.weights == 4 * learns
    assert memory.frozen == 4 * (3_818 - learns)
    assert memory.input == 1_024
    assert memory.arena_lower_bound <= memory.arena
    assert memory.inference < memory.training - memory.weights
