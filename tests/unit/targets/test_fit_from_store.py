"""Training from a store on the host engine: the steps a device would take, and what sleep saves."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import tinyprop
from tinyprop import SampleStore
from tinyprop.errors import UserError
from tinyprop.targets import TrainingStopped

DOCUMENT = Path(__file__).parents[3] / "docs" / "sample-store.md"


@pytest.fixture(scope="module")
def trainer() -> tinyprop.Trainer:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 3))
    return tinyprop.capture(model, torch.zeros(1, 6), name="small").train(tinyprop.LossSkip(tau=0.3))


def offered(**settings: object) -> SampleStore:
    """Three clouds, soon learned."""
    random = np.random.default_rng(5)
    y = random.integers(0, 3, 60)
    x = (np.eye(3, 6)[y] * 2 + random.normal(0, 0.3, (60, 6))).astype(np.float32)
    store = SampleStore(40, 6, 3, seed=3, **settings)
    store.offer_all(x, y)
    return store


def test_it_takes_the_steps_that_a_device_takes_one_by_one(trainer: tinyprop.Trainer) -> None:
    with trainer.build("host") as whole, trainer.build("host") as stepwise:
        run = whole.fit_from_store(offered(), rounds=8, lr=tinyprop.StepDecay(0.1, 0.5, 70))
        store, losses, skipped = offered(), [], []
        for _ in range(8):
            while (taken := store.next_awake()) is not None:
                slot, x, y = taken
                rate = 0.1 * 0.5 ** (len(losses) // 70)
                step = stepwise.fit(x[None], [y], lr=rate, progress=False)
                store.told(slot, step.skipped[0])
                losses += step.loss.tolist()
                skipped += step.skipped.tolist()
        assert run.steps.loss.tolist() == losses
        assert run.steps.skipped.tolist() == skipped
        assert whole.weight_hash() == stepwise.weight_hash()
    assert (run.visits + run.slept).tolist() == [40] * 8
    assert run.visits.sum() == len(run.steps) == store.visits
    assert run.slept.sum() == store.slept > 40


def test_slept_turns_cost_nothing(trainer: tinyprop.Trainer) -> None:
    with trainer.build("host") as engine:
        run = engine.fit_from_store(offered(), rounds=8, lr=0.1)
        engine.reset()
        sleepless = engine.fit_from_store(offered(longest_sleep=0), rounds=8, lr=0.1)
    assert sleepless.awake == 1
    assert run.awake == len(run.steps) / 320
    for field in ("bwd", "total"):
        of_steps = getattr(trainer.effort(run.steps), field)
        assert getattr(trainer.effort(run), field) == pytest.approx(of_steps * run.awake)
    assert trainer.effort(run).total < 0.7 * trainer.effort(sleepless).total
    assert trainer.effort(sleepless) == trainer.effort(sleepless.steps)


def test_rounds_in_which_all_sleep_make_no_step(trainer: tinyprop.Trainer) -> None:
    store, told = offered(), []
    store.told(np.arange(40), np.ones(40, bool))
    with trainer.build("host") as engine:
        before = engine.weight_hash()
        run = engine.fit_from_store(store, progress=lambda done, total: told.append((done, total)))
        assert engine.weight_hash() == before
    assert (len(run.steps), run.visits.tolist(), run.slept.tolist(), run.awake) == (0, [0], [40], 0.0)
    assert run.steps.kept.shape == (0, 2)
    assert (trainer.effort(run).bwd, trainer.effort(run).total) == (0, 0)
    assert told[-1] == (40, 40)


def test_progress_counts_turns(trainer: tinyprop.Trainer) -> None:
    told = []
    with trainer.build("host") as engine:
        engine.fit_from_store(offered(), rounds=5, lr=0.1, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (200, 200)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_an_emulated_board_learns_the_same(trainer: tinyprop.Trainer) -> None:
    hashes = set()
    for target in ("host", "nano33ble"):
        with trainer.build(target) as engine:
            engine.fit_from_store(offered(bits=8, low=-2, high=4), rounds=3, lr=0.1, progress=False)
            hashes.add(engine.weight_hash())
    assert len(hashes) == 1


def test_a_step_that_fails_says_which_sample(trainer: tinyprop.Trainer) -> None:
    store = offered()
    with trainer.build("host") as engine:
        engine.set_parameters(np.full(engine.facts.parameters, 3e38))
        with pytest.raises(
            TrainingStopped, match=r"round 0 of 2, on the sample in slot \d+: .*NaN or infinite"
        ) as stopped:
            engine.fit_from_store(store, rounds=2)
    assert len(stopped.value.trace) == 0


def test_the_lines_in_the_documentation_run(capsys: pytest.CaptureFixture[str]) -> None:
    lines = "\n".join(re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL))
    random, model = np.random.default_rng(0), nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    trainer = tinyprop.capture(model, torch.zeros(1, 1, 8, 8), name="line").train("ours")
    names = {"tinyprop": tinyprop, "trainer": trainer, "y": random.integers(0, 10, 300)}
    names["x"] = random.random((300, 1, 8, 8), np.float32)
    with trainer.build("host") as engine:
        names["engine"] = engine
        exec(lines, names)  # the whole point: the text itself
    assert len(names["store"]) == 300
    assert "13,308 bytes of RAM" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("store", "sentence"),
    [
        (SampleStore(3, 6, 3), "the store is empty: offer it samples first"),
        (
            SampleStore(3, (2, 3), 3),
            r"keeps shape \(2, 3\) of 3 classes, this network takes shape \(6,\) and 3 classes",
        ),
        (SampleStore(3, 6, 4), "keeps shape .* of 4 classes"),
        (None, "store is None, not a store of samples"),
    ],
    ids=str,
)
def test_a_store_for_another_network_is_refused(
    trainer: tinyprop.Trainer, store: SampleStore | None, sentence: str
) -> None:
    with trainer.build("host") as engine, pytest.raises(UserError, match=sentence):
        engine.fit_from_store(store)


def test_rounds_are_counted_from_one_and_targets_have_no_store(trainer: tinyprop.Trainer) -> None:
    with trainer.build("host") as engine, pytest.raises(UserError, match="rounds=0: pass an integer of 1 or more"):
        engine.fit_from_store(offered(), rounds=0)
    network = tinyprop.capture(nn.Linear(6, 3), torch.zeros(1, 6), name="line")
    regression = network.train("full", loss="mse")
    with regression.build("host") as engine, pytest.raises(UserError, match="this network learns targets, not classes"):
        engine.fit_from_store(offered())
