"""Learning from a store in a comparison: the same turns as the stream has steps, and everything counted."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from torch import nn

import tinyprop
from tinyprop.bench.compare import experiment
from tinyprop.bench.compare.cell import Cell, Outcome, Replay, Variant
from tinyprop.bench.compare.config import CompareConfig, checked, load_config
from tinyprop.bench.compare.scenarios import ScenarioCard
from tinyprop.bench.compare.task import Task
from tinyprop.data import Samples

FIELD, CLASSES = 120, 3
CELL = Cell("own", "small", "ours", Variant("ours"), 0.05, 1, 20, 3, 4)


class Small(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Linear(8, 12), nn.ReLU(), nn.Linear(12, CLASSES))


def samples(count: int, seed: int, classes: tuple[int, ...] = (0, 1, 2)) -> Samples:
    """Patterns with noise; half of the values are exactly zero."""
    random = np.random.default_rng(seed)
    patterns = np.maximum(np.random.default_rng(0).normal(size=(CLASSES, 8)), 0)
    y = np.array(classes)[random.integers(0, len(classes), count)]
    return Samples((patterns[y] + 0.3 * random.normal(size=(count, 8))).astype(np.float32), y)


def task(seed: int) -> Task:
    """Class 2 was never seen before."""
    old = samples(60, 3, (0, 1))
    return Task(samples(90, 1, (0, 1)), samples(FIELD, 2), samples(60, 4), samples(60, 5), old)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All runs start from the same weights, and most of what they compile is the same."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, cache: Path):
    monkeypatch.setenv("TINYPROP_CACHE", str(cache))
    card = ScenarioCard("own", "made up", task, {"small": Small})
    monkeypatch.setattr(experiment, "SCENARIOS", {"own": card})
    weights = experiment.pretrain(CELL)

    def of(method: str, store: Replay | None = None, **settings: float) -> Outcome:
        return experiment.run(replace(CELL, trains=Variant(method, settings, store=store)), weights)

    return of


def test_a_store_has_no_more_turns_than_the_stream_has_steps(run) -> None:
    streamed, stored = run("full_zero_skip"), run("full_zero_skip", Replay(40))
    assert streamed.curve[-1].steps == 3 * FIELD
    assert len(stored.curve) == 3 * FIELD // 40
    assert stored.curve[-1].steps == 3 * FIELD
    assert stored.skipped_share == streamed.skipped_share == 0
    assert stored.accuracy_after > stored.accuracy_before


def test_what_sleeps_costs_nothing_and_what_is_skipped_does_not_train(run) -> None:
    awake, asleep = (run("ours", Replay(40, longest_sleep=sleep), tau=0.5) for sleep in (0, 15))
    assert awake.curve[-1].steps == asleep.curve[-1].steps
    assert asleep.effort_total < 0.8 * awake.effort_total
    assert asleep.curve[-1].parts[0] < 0.8 * awake.curve[-1].parts[0]
    assert 0.3 < asleep.skipped_share < 1
    assert asleep.skipped_share >= awake.skipped_share - 0.1


def test_the_effort_is_that_of_all_turns(run) -> None:
    outcome = run("ours", Replay(40), tau=0.5)
    last, macs = outcome.curve[-1], 8 * 12 + 12 * 3
    assert outcome.effort_total == pytest.approx(last.macs / last.steps / (macs + macs + 12 * 3))
    assert outcome.effort_bwd == pytest.approx(last.parts[1] / last.steps / (macs + 12 * 3))


def test_all_may_sleep_in_a_round(run) -> None:
    outcome = run("loss_skip", Replay(40), tau=50.0)
    assert outcome.skipped_share == 1
    assert outcome.accuracy_after == outcome.accuracy_before
    assert outcome.curve[-1].steps == 3 * FIELD


def test_what_was_shipped_is_remembered(run) -> None:
    """A store of the field alone is another run; one that is full of what was shipped forgets less."""
    shipped, of_field = run("full_zero_skip", Replay(90)), run("full_zero_skip", Replay(90, shipped=False))
    assert shipped.weight_hash != of_field.weight_hash
    assert shipped.curve[0].steps > of_field.curve[0].steps  # it is full from the first round on
    assert shipped.old_after >= of_field.old_after


@pytest.mark.parametrize("method", tinyprop.METHODS)
def test_every_method_can_be_compared(run, method: str) -> None:
    """Those that freeze weights among them, which are part of what is compiled."""
    settings = {"effort": 1.0} if method == "ours_at_effort" else {}
    assert run(method, **settings).accuracy_after > 40


def test_counts_stay_counts_in_a_file(tmp_path: Path) -> None:
    text = 'rates = { mlp = 0.1 }\n[scenarios]\ndigits_rotated = ["mlp"]\n'
    text += '[variants.two]\nmethod = "last_layers"\nsettings = { layers = 2 }\n'
    (tmp_path / "own.toml").write_text(text)
    config = load_config(tmp_path / "own.toml")
    assert config.variants["two"] == Variant("last_layers", {"layers": 2})
    read = [cell.key for cell in config.cells()]
    made = msgspec.structs.replace(config, variants={"two": Variant("last_layers", {"layers": 2})})
    assert read == [cell.key for cell in made.cells()]


def test_a_store_has_one_key_however_it_is_written() -> None:
    keys = {replace(CELL, trains=Variant("ours", store=store)).key for store in (Replay(200), Replay(200, 8))}
    assert len(keys) == 1
    read = msgspec.toml.decode('method = "ours"\nstore = { capacity = 200, bits = 8 }', type=Variant)
    assert {replace(CELL, trains=read).key} == keys


def test_a_store_is_part_of_the_ram(run) -> None:
    streamed = run("full_zero_skip").ram_bytes
    for bits in (8, 32):
        store = tinyprop.SampleStore(40, (8,), CLASSES, bits=bits)
        assert run("full_zero_skip", Replay(40, bits)).ram_bytes == streamed + store.bytes


def test_two_runs_are_one(run) -> None:
    assert run("ours", Replay(30)) == run("ours", Replay(30))


def config(store: Replay, scenario: str = "digits_rotated", network: str = "mlp") -> CompareConfig:
    variants = {"mine": Variant("ours", store=store)}
    return CompareConfig(scenarios={scenario: (network,)}, variants=variants, rates={network: 0.1})


def test_stores_that_cannot_be_are_refused_before_anything_runs() -> None:
    assert checked(config(Replay(200)))
    for store, sentence in (
        (Replay(0), "capacity=0: choose a whole number"),
        (Replay(20, bits=16), "bits=16: choose 32"),
        (Replay(20, longest_sleep=99), "longest_sleep=99"),
    ):
        with pytest.raises(tinyprop.UserError, match=sentence):
            checked(config(store))
    with pytest.raises(tinyprop.UserError, match="'dcase2020_new_machine' has none: compare it without"):
        checked(config(Replay(20), "dcase2020_new_machine", "autoencoder"))


def test_the_key_of_a_run_from_the_stream_is_what_it_was() -> None:
    """Results that were stored before there were stores keep their meaning."""
    cell = Cell("digits_rotated", "mlp", "full", Variant("ours", {"tau": 0.1}), 0.05, 0, 25, 4, 20)
    assert cell.key == "fc6822d68c9807c97831cc4c4fcc7cb131b85e729670d4db50172bcb87e76518"
    assert replace(cell, trains=Variant("ours", {"tau": 0.1}, store=Replay(20))).key != cell.key
