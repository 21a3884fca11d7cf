"""Latents of a frozen prefix: steps from them have the bits of whole steps, in NumPy, in C and on emulated boards."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import tinyprop
from tinyprop import SampleStore
from tinyprop.bench.networks import Cnn
from tinyprop.bench.pretraining import pretrained
from tinyprop.data import load
from tinyprop.errors import UserError
from tinyprop.ir.op import LayerOp
from tinyprop.ir.oracle import OracleTrainer
from tinyprop.ir.prefix import frozen_prefix
from tinyprop.targets.part import Part

CLASSES = 5
MOST_LOST = 2.0  # points of accuracy between float32 and 8 bits: 7 of the 360 test digits
COLUMNS = ("loss", "predicted", "skipped", "kept", "macs_backward", "looks")


class Skips(nn.Module):
    """A block whose input is added back below the latent, and another one behind it."""

    shape = (2, 8, 8)

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.a = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.b, self.c = nn.Conv2d(4, 6, 3, 2, 1), nn.Conv2d(4, 6, 1, 2)
        self.head = nn.Linear(24, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x).relu()
        x = (x + self.a(x)).relu()
        x = (self.b(x) + self.c(x)).relu()
        return self.head(F.max_pool2d(x, 2).flatten(1))


class Chain(nn.Module):
    """Convolution with a fused pool, then dense layers."""

    shape = (1, 8, 8)

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.hidden, self.head = nn.Conv2d(1, 6, 3, padding=1), nn.Linear(96, 12), nn.Linear(12, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.max_pool2d(self.conv(x).relu(), 2).flatten(1)
        return self.head(self.hidden(x).relu())


# Network, what trains of it, and how many values its latent has.
CASES = [
    (Chain, ["head"], 12),
    (Chain, ["hidden", "head"], 96),
    (Chain, ["hidden.bias"], 96),
    (Skips, ["head"], 24),
    (Skips, ["c", "head"], 256),  # b, which is frozen, reads what c reads: the latent is before both
]
METHODS = ["full", "tinyprop_v2", "ours", "full_zero_skip"]


def trainer_of(module: type[nn.Module], trainable: list[str], method: str = "ours", **more: object) -> tinyprop.Trainer:
    torch.manual_seed(3)
    network = tinyprop.capture(module().eval(), torch.zeros(1, *module.shape), name="net")
    return network.train(method, trainable=trainable, latent=True, **more)


def samples(shape: tuple[int, ...], count: int = 30) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(2)
    return random.normal(size=(count, *shape)).astype(np.float32), random.integers(0, CLASSES, count)


def float_store(size: int | tuple[int, ...], x: np.ndarray, y: np.ndarray, *, latent: bool) -> SampleStore:
    store = SampleStore(len(x), size, CLASSES, seed=3, latent=latent)
    store.offer_all(x, y)
    return store


@pytest.mark.parametrize(("module", "trainable", "size"), CASES)
@pytest.mark.parametrize("kernels", ["inline", "size"])
def test_steps_from_latents_have_the_bits_of_whole_steps(
    module: type[nn.Module], trainable: list[str], size: int, kernels: str
) -> None:
    for method in METHODS if kernels == "inline" else ["ours"]:
        trainer = trainer_of(module, trainable, method, kernels=kernels)
        x, y = samples(module.shape)
        with trainer.build("host") as whole, trainer.build("host") as replayed:
            assert replayed.latent_size == size
            latents = replayed.latents(x)
            assert latents.shape == (len(x), size)
            run = whole.fit_from_store(float_store(module.shape, x, y, latent=False), rounds=3, lr=0.05)
            again = replayed.fit_from_store(float_store(size, latents, y, latent=True), rounds=3, lr=0.05)
            for column in COLUMNS:
                assert getattr(run.steps, column).tolist() == getattr(again.steps, column).tolist()
            assert whole.weight_hash() == replayed.weight_hash()
            assert replayed.weight_hash() != trainer.build("host").weight_hash()
            assert (replayed.latents(x) == latents).all()  # however long the rest learned
            assert (replayed.logits_from_latents(latents) == whole.logits(x)).all()
            assert (replayed.logits(x) == whole.logits(x)).all()
        assert (again.steps.macs_forward < run.steps.macs_forward).all()


@pytest.mark.parametrize(("module", "trainable", "size"), CASES)
@pytest.mark.parametrize("method", METHODS)
def test_the_oracle_makes_the_same_latents_steps_and_counts(
    module: type[nn.Module], trainable: list[str], size: int, method: str
) -> None:
    trainer = trainer_of(module, trainable, method)
    x, y = samples(module.shape)
    oracle = OracleTrainer(trainer.train_program)
    with trainer.build("host") as engine:
        latents = engine.latents(x)
        assert (np.array([oracle.latent(one) for one in x]) == latents).all()
        store = float_store(size, latents, y, latent=True)
        awake = float_store(size, latents, y, latent=True).awake_round()
        run = engine.fit_from_store(store, lr=0.05)
        expected = oracle.fit(awake.x, awake.y, 0.05, latent=True)
        for column in (*COLUMNS, "macs_forward"):
            assert getattr(run.steps, column).tolist() == getattr(expected, column).tolist(), column
        for name, array in engine.weights().items():
            assert (array == oracle.parameters[name]).all(), name


def test_the_multiply_adds_left_out_are_those_of_the_prefix() -> None:
    """Where every product is executed; effort tells them against the same yardstick."""
    trainer = trainer_of(Skips, ["head"], "full")
    x, y = samples(Skips.shape)
    program = trainer.train_program.program
    prefix = frozen_prefix(trainer.train_program)
    assert prefix is not None
    behind = [node for node in program.layers if node not in prefix.nodes]
    assert [node.name for node in behind] == ["head"]
    macs = sum(node.op.macs(program.value_in(node).shape).forward for node in behind if isinstance(node.op, LayerOp))
    with trainer.build("host") as engine:
        run = engine.fit_from_store(float_store(24, engine.latents(x), y, latent=True), lr=0.05)
        raw = engine.fit_from_store(float_store(Skips.shape, x, y, latent=False), lr=0.05)
    assert set(run.steps.macs_forward.tolist()) == {macs}
    total = sum(n.op.macs(program.value_in(n).shape).forward for n in program.layers if isinstance(n.op, LayerOp))
    assert prefix.forward_macs(program) == total - macs
    assert trainer.effort(run).bwd == trainer.effort(raw).bwd
    assert 0 < trainer.effort(run).total < 0.05 < trainer.effort(raw).total


@pytest.mark.parametrize("target", ["nano33ble", "rp2040", "esp32c3"])
@pytest.mark.parametrize(("module", "trainable"), [(Skips, ["c", "head"]), (Chain, ["head"])])
def test_emulated_boards_make_the_same_latents_and_learn_the_same(
    target: str, module: type[nn.Module], trainable: list[str]
) -> None:
    trainer = trainer_of(module, trainable)
    x, y = samples(module.shape, 8)
    with trainer.build("host") as host, trainer.build(target) as board:
        latents = board.latents(x)
        assert (latents == host.latents(x)).all()
        run = board.fit_from_store(float_store(board.latent_size, latents, y, latent=True), rounds=2, lr=0.05)
        host.fit_from_store(float_store(module.shape, x, y, latent=False), rounds=2, lr=0.05)
        assert board.weight_hash() == host.weight_hash()
        assert (board.logits_from_latents(latents) == host.logits(x)).all()
        assert (board.logits(x) == host.logits(x)).all()
        whole = board.fit(x, y, lr=0.0, progress=False)
        assert run.steps.instructions.mean() < whole.instructions.mean()
        board.reset()
        assert (board.logits_from_latents(latents) == board.logits(x)).all()


def test_regressions_with_momentum_go_on_from_latents_too() -> None:
    optimizer = tinyprop.SGD(momentum=0.9, weight_decay=0.01)
    trainer = trainer_of(Chain, ["head"], "full", loss="mse", optimizer=optimizer)
    x, _ = samples(Chain.shape)
    targets = np.random.default_rng(4).normal(size=(len(x), CLASSES)).astype(np.float32)
    with trainer.build("host") as whole, trainer.build("host") as behind:
        latents = behind.latents(x)
        run = whole.fit(x, targets, lr=0.01)
        with behind._only(Part.FROM_LATENT):  # a store, which does it otherwise, keeps classes
            again, status = behind._train(latents, targets, 0.01)
        assert status == 0
        assert again.loss.tolist() == run.loss.tolist()
        assert whole.weight_hash() == behind.weight_hash()
        assert (whole.checkpoint().state == behind.checkpoint().state).all()
        assert (behind.logits_from_latents(latents) == whole.logits(x)).all()


def test_programs_without_latents_do_not_change() -> None:
    torch.manual_seed(3)
    network = tinyprop.capture(Chain().eval(), torch.zeros(1, *Chain.shape), name="net")
    plain = network.train("ours", trainable=["head"]).sources
    assert plain.latent_size == 0
    assert not any("latent" in plain.files[name] for name in ("net.c", "net.h"))
    with_latents = network.train("ours", trainable=["head"], latent=True)
    assert with_latents.plan == network.train("ours", trainable=["head"]).plan
    assert with_latents.sources.files["net_parameters.c"] == plain.files["net_parameters.c"]


def test_without_a_frozen_prefix_it_says_what_to_freeze() -> None:
    with pytest.raises(UserError, match=r"'net' has no frozen prefix.*trainable=\"last_layer\""):
        trainer_of(Chain, ["conv", "head"])
    with pytest.raises(UserError, match="no frozen prefix"):
        trainer_of(Skips, ["stem.bias"])
    torch.manual_seed(0)
    line = tinyprop.capture(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), torch.zeros(1, 1, 2, 2), name="line")
    with pytest.raises(UserError, match="no frozen prefix"):  # a reshape is nothing to save
        line.train("ours", latent=True)


def test_latents_that_do_not_fit_are_refused_and_nothing_learns() -> None:
    trainer = trainer_of(Chain, ["head"])
    x, y = samples(Chain.shape)
    with trainer.build("host") as engine:
        before, latents = engine.weight_hash(), engine.latents(x)
        with pytest.raises(UserError, match=r"keeps shape \(64,\) .* takes shape \(12,\)"):
            engine.fit_from_store(float_store(64, x.reshape(-1, 64), y, latent=True))
        with pytest.raises(UserError, match=r"keeps shape \(12,\) .* takes shape \(1, 8, 8\)"):
            engine.fit_from_store(float_store(12, latents, y, latent=False))
        with pytest.raises(UserError, match=r"takes \(N, 12\)"):
            engine.logits_from_latents(x)
        with pytest.raises(UserError, match="NaN or infinity"):
            engine.logits_from_latents(np.full((1, 12), np.nan))
        assert engine.weight_hash() == before
        assert (engine.logits(x) == engine.logits_from_latents(latents)).all()
    torch.manual_seed(3)
    plain = tinyprop.capture(Chain().eval(), torch.zeros(1, *Chain.shape), name="net").train("ours", trainable=["head"])
    with plain.build("host") as engine:
        for asked in (
            lambda: engine.latent_size,
            lambda: engine.latents(x),
            lambda: engine.fit_from_store(float_store(12, latents, y, latent=True)),
        ):
            with pytest.raises(UserError, match=r"this engine makes no latents: build it .* latent=True"):
                asked()


def test_eight_bit_latents_cost_little_on_digits() -> None:
    """Against float32 latents, which are as good as samples: the digits, pretrained on five classes, last layer learns.

    Ravaglia et al. (arXiv 2110.10486) found 0.26 points on their task; here no more than MOST_LOST, seeds fixed.
    """
    data = load("digits")
    known = data.train.of(data.train.y < 5)
    module = pretrained(Cnn, known, epochs=5, seed=0)
    network = tinyprop.capture(module, torch.zeros(1, 1, 8, 8), name="digits")
    accuracy, hashes = {}, {}
    with network.train("full", trainable="last_layer", latent=True).build("host") as engine:
        latents = engine.latents(data.train.x)
        high = float(latents.max())
        for name, x, settings in (
            ("samples", data.train.x, {"latent": False}),
            ("float32", latents, {"latent": True}),
            ("8 bits", latents, {"latent": True, "bits": 8, "low": 0.0, "high": high}),
        ):
            engine.reset()
            store = SampleStore(200, x.shape[1:], 10, seed=1, **settings)
            store.offer_all(x, data.train.y)
            engine.fit_from_store(store, rounds=20, lr=0.02, progress=False)
            accuracy[name], hashes[name] = engine.accuracy(data.test.x, data.test.y), engine.weight_hash()
    assert hashes["samples"] == hashes["float32"] != hashes["8 bits"]
    assert accuracy["float32"] > 70  # half of the classes were unknown
    assert abs(accuracy["float32"] - accuracy["8 bits"]) <= MOST_LOST, accuracy
