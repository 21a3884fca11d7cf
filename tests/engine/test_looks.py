"""`velocity` in the engine: samples and responses planned, kept in the checkpoint, and the error sent down whole."""

import numpy as np
import pytest

from tinyprop.checkpoint import values_of
from tinyprop.codegen.state import state_layout
from tinyprop.errors import UserError
from tinyprop.ir.chain import chain
from tinyprop.ir.ops import Conv2d, Dense, MaxPool2d, ReLU, Reshape
from tinyprop.ir.oracle import OracleTrainer
from tinyprop.methods import FullZeroSkip, Velocity
from tinyprop.methods.optimizer import SGD
from tinyprop.methods.rules.keep_moving import FACTS
from tinyprop.surface import Network
from tinyprop.targets.engine import Engine

OPS = (Conv2d(1, 6, (3, 3)), ReLU(), MaxPool2d((2, 2), (2, 2)), Conv2d(6, 5, (2, 2)), ReLU(), Reshape(), Dense(30, 3))
NETWORK = Network(chain("looks", (1, 8, 10), OPS))
METHOD = Velocity(eps=0.005, samples=2, period=6)
WORDS = {"x": 1 + 2 * 80, "conv1": 6 * (2 * 3 * 4 + FACTS), "conv2": 5 * (2 * 2 * 3 + FACTS)}  # samples, then responses
X = np.random.default_rng(0).normal(size=(40, 1, 8, 10)).astype(np.float32)
Y = np.arange(40) % 3
MLP = Network(chain("mlp", (12,), (Dense(12, 10, relu=True), Dense(10, 8, relu=True), Dense(8, 3))))


def test_ram_is_that_of_the_samples_and_the_responses() -> None:
    plain, trainer = NETWORK.train(FullZeroSkip()), NETWORK.train(METHOD)
    assert [*trainer.train_program.residuals.values()] == [*WORDS.values()]
    assert trainer.memory.state == plain.memory.state + 4 * sum(WORDS.values())
    assert NETWORK.train(METHOD, trainable="last_layer").memory.state == plain.memory.state  # nobody selects
    with trainer.build("host") as engine:
        assert engine.facts.memory_bytes == trainer.memory.model


def settled(engine: Engine, layout) -> list[np.ndarray]:
    """For each layer that is looked at, who is at equilibrium."""
    found = [*values_of(engine.checkpoint(), layout).residuals.values()][1:]
    return [words[-2 * channels : -channels] for words, channels in zip(found, (6, 5), strict=True)]


def test_it_is_the_oracles_and_goes_with_the_checkpoint() -> None:
    trainer = NETWORK.train(METHOD, optimizer=SGD(momentum=0.5))
    layout, oracle = state_layout(trainer.train_program), OracleTrainer(trainer.train_program)
    expected = oracle.fit(X, Y, 0.02)
    with trainer.build("host") as engine, trainer.build("host") as other:
        trace = engine.fit(X, Y, lr=0.02, progress=False)
        for column in ("loss", "kept", "looks", "macs_forward", "macs_backward"):
            np.testing.assert_array_equal(getattr(trace, column), getattr(expected, column), err_msg=column)
        samples, *responses = values_of(engine.checkpoint(), layout).residuals.values()
        assert samples[1:].tobytes() == X[:2].tobytes()
        assert [words.tobytes() for words in responses] == [state.residual for state in oracle._layer_states[:2]]
        flags = np.concatenate(settled(engine, layout))
        assert 0 < flags.sum() < flags.size
        other.restore(engine.checkpoint())
        for one in (engine, other):
            one.fit(X, Y, lr=0.02, progress=False)
        assert np.array_equal(engine.checkpoint().state, other.checkpoint().state)


def test_a_board_looks_alike() -> None:
    """An emulated Cortex-M4F, whose square root and block transfers are its own."""
    trainer = NETWORK.train(METHOD)
    with trainer.build("mps2-an386") as board, trainer.build("host") as host:
        got, expected = (engine.fit(X[:16], Y[:16], lr=0.02, progress=False) for engine in (board, host))
        np.testing.assert_array_equal(got.kept, expected.kept)
        assert board.weight_hash() == host.weight_hash()
    assert (expected.kept[15, :2] < expected.kept[7, :2]).any()


def test_a_look_costs_forward_passes_and_spares_gradients() -> None:
    macs = [NETWORK.train(method).train_program for method in (METHOD, FullZeroSkip())]
    ours, plain = (OracleTrainer(train).fit(X, Y, 0.02) for train in macs)
    due = np.isin(np.arange(40), [2, *range(8, 40, 6)])  # behind two samples, then six steps after each look
    assert (ours.macs_forward[~due] < 1.1 * plain.macs_forward.max()).all()
    assert (ours.macs_forward[due] > 2.5 * plain.macs_forward.min()).all()  # its own and those of two samples
    assert (ours.looks[due] > ours.looks[~due].max()).all()
    assert np.array_equal(ours.kept[:8], plain.kept[:8])  # the first look only notes
    assert ours.macs_backward[8:].sum() < plain.macs_backward[8:].sum()


def test_a_neuron_at_rest_is_not_updated_and_sends_its_error_down() -> None:
    """Every upper neuron at rest: the layer below learns as in full training, and the upper one not at all."""
    x, y = np.random.default_rng(1).normal(size=(3, 12)).astype(np.float32), np.array([0, 1, 2])
    trainer, plain = MLP.train(Velocity(samples=2, period=50)), MLP.train(FullZeroSkip())
    layout = state_layout(trainer.train_program)
    with trainer.build("host") as engine, plain.build("host") as full:
        checkpoint = engine.checkpoint()
        at_rest = layout.parameters + sum([*layout.residuals.values()][:3]) - 2 * 8
        state = checkpoint.state.copy()
        state[at_rest : at_rest + 8] = np.float32(1).view(np.uint32)
        engine.restore(type(checkpoint)(checkpoint.sequence, checkpoint.identity, checkpoint.steps, state))
        before = engine.weights()
        for one in (engine, full):
            one.fit(x[:1], y[:1], lr=0.1, progress=False)
        after, expected = engine.weights(), full.weights()
    for name in ("v1.weight", "v1.bias", "v3.weight", "v3.bias"):
        np.testing.assert_array_equal(after[name], expected[name])
        assert not np.array_equal(after[name], before[name])
    for name in ("v2.weight", "v2.bias"):
        np.testing.assert_array_equal(after[name], before[name])


def test_latents_are_refused() -> None:
    ops = (Dense(12, 10, relu=True), Dense(10, 8, relu=True), Dense(8, 6, relu=True), Dense(6, 3))
    network = Network(chain("deep", (12,), ops))
    with pytest.raises(UserError, match="keeps samples to look at the network with, and latents are none"):
        network.train(METHOD, trainable=["v3", "v4"], latent=True).build("host")
