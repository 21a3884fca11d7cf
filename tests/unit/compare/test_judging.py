"""A run is judged by what its loss asks for; one from scratch has nothing to forget."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from tinyprop.bench.compare import experiment
from tinyprop.bench.compare.cell import Cell, Variant
from tinyprop.bench.compare.judging import JUDGES, found
from tinyprop.bench.compare.scenarios import ScenarioCard
from tinyprop.bench.compare.task import Task
from tinyprop.data import Samples
from tinyprop.errors import UserError
from tinyprop.ir.losses import LOSSES


def nothing() -> SimpleNamespace:
    """An engine that reproduces each row as zeros: its error is the row's mean square."""
    return SimpleNamespace(logits=lambda x: np.zeros_like(x))


def test_a_clips_score_is_the_mean_over_its_rows():
    # Clips 5, 7, 9: mean squares 1 and 9, 4, 3 and 3; if rows were added up, 9 would be louder than 7.
    x = np.array([[1.0], [3.0], [4**0.5], [3**0.5], [3**0.5]], np.float32)
    group = np.array([5, 5, 7, 9, 9])
    for anomalies, auc in (({5}, 100.0), ({9}, 0.0), ({7}, 50.0), ({7, 9}, 0.0), ({5, 9}, 50.0)):
        y = np.isin(group, list(anomalies)).astype(np.int64)
        assert found(nothing(), Samples(x, y, group)) == auc  # type: ignore[arg-type]
    with pytest.raises(UserError, match="all of one kind"):
        found(nothing(), Samples(x, np.zeros(5, np.int64), group))  # type: ignore[arg-type]


def test_each_loss_has_a_judge():
    assert set(JUDGES) == set(LOSSES)


class Small(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Linear(8, 3), nn.ReLU(), nn.Linear(3, 8))


def lines(count: int, slope: float, seed: int) -> np.ndarray:
    """Rows that vary along one direction."""
    random = np.random.default_rng(seed)
    x = random.normal(0, 1, (count, 1)) * np.linspace(-1, slope, 8) + random.normal(0, 0.05, (count, 8))
    return x.astype(np.float32)


def to_find(seed: int) -> Task:
    known, met = (Samples(x, x) for x in (lines(60, 1, 0), lines(80, -3, 1)))
    x = np.concatenate([lines(20, -3, 2), np.random.default_rng(3).normal(0, 1, (20, 8)).astype(np.float32)])
    judged = Samples(x, np.repeat([0, 1], 20), np.arange(40) // 2)
    return Task(known, met, judged, judged, old=judged)


def to_name(seed: int) -> Task:
    x = lines(120, 1, 4)
    samples = Samples(x, (x[:, 0] > 0).astype(np.int64))
    none = samples.of(np.arange(0))
    return Task(none, samples, samples, samples, old=none)


def run(monkeypatch, tmp_path, make, loss: str, recipe: str | None):
    monkeypatch.setenv("TINYPROP_CACHE", str(tmp_path))
    card = ScenarioCard("own", "made up", make, {"small": Small}, recipe, loss)
    monkeypatch.setattr(experiment, "SCENARIOS", {"own": card})
    cell = Cell("own", "small", "full", Variant("full"), 0.02, 1, 5, 5, 2)
    weights = experiment.pretrain(cell)
    return experiment.run(cell, weights), weights


def test_an_autoencoder_is_pretrained_learns_and_is_judged_by_what_it_finds(monkeypatch, tmp_path):
    outcome, _ = run(monkeypatch, tmp_path, to_find, "mse", None)
    assert outcome.accuracy_after > outcome.accuracy_before
    assert outcome.accuracy_after > 80
    assert outcome.old_after == outcome.accuracy_after  # the same samples, here
    assert outcome.curve[-1].accuracy == outcome.accuracy_after


def test_from_scratch_the_weights_are_those_of_the_seed_and_nothing_is_forgotten(monkeypatch, tmp_path):
    outcome, path = run(monkeypatch, tmp_path, to_name, "cross_entropy", "har_features")
    torch.manual_seed(1)
    with np.load(path) as weights:
        assert np.array_equal(weights["0.weight"], Small()[0].weight.detach().numpy())
    assert (outcome.old_before, outcome.old_after) == (None, None)
    assert outcome.accuracy_after > 90 > outcome.accuracy_before
