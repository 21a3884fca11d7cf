"""`tinyprop tune`: the front is the front, trials outlive whatever ends the program, and test data are never seen."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from io import StringIO
from pathlib import Path

import msgspec
import numpy as np
import pytest
from rich.console import Console

from tinyprop.bench import tune_command as command
from tinyprop.bench.compare import experiment
from tinyprop.bench.compare.cell import Cell, Outcome, Replay, Variant
from tinyprop.bench.compare.config import load_config
from tinyprop.bench.compare.jobs import on_test, on_validation, shipped
from tinyprop.bench.compare.scenarios import SCENARIOS
from tinyprop.bench.compare_command import DEFAULT
from tinyprop.bench.tuning.candidate import Candidate
from tinyprop.bench.tuning.fragment import fragment, picked
from tinyprop.bench.tuning.objectives import OBJECTIVES
from tinyprop.bench.tuning.search import FIRST_SEED, search
from tinyprop.bench.workers.workers import Lost, Workers
from tinyprop.data import Samples
from tinyprop.errors import UserError

CONFIG = load_config(DEFAULT)
STARTUP = 10  # trials that TPE draws before it has something to go by
needs_optuna = pytest.mark.usefixtures("optuna")


@pytest.fixture(scope="module")
def optuna():
    return pytest.importorskip("optuna", reason="needs Optuna: pip install 'tinyprop[tune]'")


def outcome(cell: Cell) -> Outcome:
    """An invented landscape: drop costs accuracy and saves effort, the rate should be 0.05, tau is of no use."""
    drop, tau = (cell.trains.settings.get(name, 0.3) for name in ("drop", "tau"))
    accuracy = 90 - 10 * drop**2 - tau - abs(np.log(cell.rate / 0.05)) + (cell.seed - FIRST_SEED)
    ram = 500 if cell.trains.trainable == "last_layer" else 1000
    return Outcome(50.0, float(accuracy), None, None, 1 - drop, 1.5 - drop, 0.0, (), (), "", ram_bytes=ram)


class Invented(Workers):
    """Answers without training. odd: what becomes of the job of that number, counted from 0."""

    def __init__(self, **odd):
        self.ran, self.odd = [], {int(number.strip("_")): what for number, what in odd.items()}

    def each(self, function, jobs):
        for number, (cell, *rest) in enumerate(jobs):
            if function is shipped:
                yield number, b"weights"
                continue
            assert function is on_validation
            assert rest == [b"weights"]
            odd = self.odd.get(len(self.ran))
            self.ran.append(cell)
            if odd is KeyboardInterrupt:
                raise odd
            yield number, odd or outcome(cell)

    def __exit__(self, *_):
        pass


@pytest.fixture
def tune(tmp_path, monkeypatch):
    def run(working: Workers, journal: str = "a.journal", **changed):
        monkeypatch.setattr(command, "workers", lambda scheduler, processes: working)
        console = Console(file=StringIO(), width=160)
        settings = {
            "method": "ours",
            "network": "mlp",
            "config_path": None,
            "scenarios": ("digits_rotated",),
            "trials": 12,
            "seeds": 2,
            "journal_path": tmp_path / journal,
            "json_path": tmp_path / "found.json",
            "toml_path": tmp_path / "found.toml",
            "picture_path": None,
            "name": None,
            "processes": 1,
            "scheduler": None,
        }
        status = command.tune_command(console, **(settings | changed))
        return status, console.file.getvalue()

    return run


def found(folder: Path) -> dict:
    return json.loads((folder / "found.json").read_text())


@needs_optuna
def test_the_front_is_what_no_other_candidate_beats(tmp_path, tune):
    working = Invented()
    status, text = tune(working)
    content = found(tmp_path)
    assert (status, len(content["candidates"]), len(working.ran)) == (0, 12, 24)
    assert {cell.seed for cell in working.ran} == {FIRST_SEED, FIRST_SEED + 1}
    assert len({(cell.rate, *cell.trains.settings.values()) for cell in working.ran}) > STARTUP

    def beats(one: dict, other: dict) -> bool:
        pairs = [(one["accuracy"], other["accuracy"]), (-one["effort_total"], -other["effort_total"])]
        return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)

    candidates = content["candidates"]
    front = {one["number"] for one in candidates if not any(beats(other, one) for other in candidates)}
    assert set(content["front"]) == front
    assert 1 < len(front) < 12
    assert all(f" {number} " in text for number in front)
    first = candidates[0]
    cells = [cell for cell in working.ran if cell.rate == first["rate"]]
    assert first["accuracy"] == pytest.approx(np.mean([outcome(cell).accuracy_after for cell in cells]))


@needs_optuna
def test_what_is_searched_and_for_what_may_be_said(tmp_path, tune):
    working = Invented()
    tune(working, objectives=("ram_bytes",), trainable=("all", "last_layer"), keep_rate=True)
    content = found(tmp_path)
    assert {cell.rate for cell in working.ran} == {CONFIG.rates_of["ours"]["mlp"]}
    assert {cell.trains.trainable for cell in working.ran} == {"all", "last_layer"}
    assert {one["trainable"] for one in content["candidates"] if one["number"] in content["front"]} == {"last_layer"}
    narrow = Invented()
    tune(narrow, ranges=("drop=0.4:0.5", "rate=0.06:0.07"))
    assert all(0.4 <= cell.trains.settings["drop"] <= 0.5 and 0.06 <= cell.rate <= 0.07 for cell in narrow.ran)
    settings_kept = Invented()
    tune(settings_kept, keep_settings=True, objectives=("accuracy",))
    assert {tuple(cell.trains.settings) for cell in settings_kept.ran} == {()}
    assert "[variants" not in (tmp_path / "found.toml").read_text()
    one_opened = Invented()
    tune(one_opened, keep_settings=True, ranges=("tau=0.02:0.2",), store=200)
    assert {tuple(cell.trains.settings) for cell in one_opened.ran} == {("tau",)}
    assert {cell.trains.store for cell in one_opened.ran} == {Replay(200)}
    assert load_config(DEFAULT, [tmp_path / "found.toml"]).variants["ours"].store == Replay(200)


@needs_optuna
def test_it_goes_on_where_it_was_and_a_changed_search_begins_anew(tmp_path, tune):
    tune(Invented(), trials=7)
    rest = Invented()
    _, text = tune(rest)
    assert "7 trials of this search are in" in text
    assert len(rest.ran) == 5 * 2
    in_two = found(tmp_path)
    tune(Invented(), journal="b.journal")
    assert found(tmp_path) == in_two  # nothing but what was tried decides what is tried next
    nothing = Invented()
    assert tune(nothing)[0] == 0
    assert not nothing.ran
    other = Invented()
    tune(other, seeds=1)
    assert len(other.ran) == 12


@needs_optuna
def test_ctrl_c_and_lost_runs_cost_their_trial_only(tmp_path, tune):
    status, text = tune(Invented(_5=KeyboardInterrupt))
    assert (status, "the same command goes on" in text) == (130, True)
    with pytest.raises(UserError, match=r"trial \d+: its process died\. All else is in .*a.journal"):
        tune(Invented(_2=Lost("its process died")))
    last = Invented()
    assert tune(last)[0] == 0
    assert len(last.ran) == 24 - 2 * (2 + 1)
    assert len(found(tmp_path)["candidates"]) == 12


@needs_optuna
def test_trials_that_come_to_nothing_are_counted_and_told(tmp_path, tune):
    _, text = tune(Invented(_3="the loss is not finite."), trials=4)
    assert "1 of them came to nothing, the last because: the loss is not finite." in text
    assert (len(found(tmp_path)["candidates"]), found(tmp_path)["stopped"]) == (3, ["the loss is not finite."])
    everything = {f"_{number}": "the loss is not finite." for number in range(4)}
    with pytest.raises(
        UserError, match=r"all of 4 trials came to nothing, the last because: the loss is not finite\. "
    ):
        tune(Invented(**everything), journal="b.journal", trials=4)


@needs_optuna
def test_what_is_found_is_a_configuration_for_compare(tmp_path, tune):
    tune(Invented(), name="ours_tuned")
    chosen = next(one for one in found(tmp_path)["candidates"] if one["number"] == found(tmp_path)["chosen"])
    config = load_config(DEFAULT, [tmp_path / "found.toml"])
    assert config.variants["ours_tuned"] == Variant("ours", chosen["settings"])
    cells = [cell for cell in config.cells() if cell.variant == "ours_tuned"]
    assert {(cell.model, cell.rate) for cell in cells} == {("mlp", chosen["rate"]), ("cnn", 0.02)}


@needs_optuna
def test_the_picture_is_drawn_and_the_same_every_time(tmp_path, tune):
    pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'tinyprop[demo]'")
    tune(Invented(), picture_path=tmp_path / "front.svg")
    first = (tmp_path / "front.svg").read_bytes()
    assert b"effort, in all" in first
    tune(Invented(), picture_path=tmp_path / "front.svg")
    assert (tmp_path / "front.svg").read_bytes() == first


@needs_optuna
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"no journal\n", "cannot be used as a journal of studies"),
        (b"[1]\n", "its first line is none of a journal's"),
        (b"\xff\xfe\x00", "cannot be used as a journal of studies"),
        (b'{"op_code":0,"worker_id":"a","study_name":"b","directions":[1]}\n{"op_c', "its last line is torn"),
        (
            b'{"op_code":0,"worker_id":"a","study_name":"b","directions":[1]}\n{"op_c\n{}\n',
            "cannot be used as a journal",
        ),
    ],
)
def test_a_file_that_is_no_journal_is_refused_and_left_alone(tmp_path, tune, content, sentence):
    path = tmp_path / "a.journal"
    path.write_bytes(content)
    with pytest.raises(UserError, match=sentence):
        tune(Invented())
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"method": "ourz"}, "unknown method 'ourz': did you mean 'ours'"),
        ({"network": "mpl"}, "unknown network 'mpl': did you mean 'mlp'"),
        ({"scenarios": ("digits",)}, "unknown scenario 'digits'"),
        ({"objectives": ("speed",)}, "unknown objective 'speed'"),
        ({"objectives": ("accuracy", "accuracy")}, "the same objective is named twice"),
        ({"trainable": ("last_lair",)}, "unknown word for what trains 'last_lair'"),
        (
            {"scenarios": ("digits_rotated", "har_new_volunteer")},
            "unknown network of scenario 'har_new_volunteer' 'mlp'",
        ),
        ({"scenarios": ("har_new_volunteer",), "network": "har_cnn"}, "no rate for network 'har_cnn': add it there"),
        ({"method": "full", "keep_rate": True}, "nothing is left to search: 'full' has no settings"),
        ({"keep_rate": True, "keep_settings": True}, "nothing is left to search: 'ours' keeps its settings"),
        ({"ranges": ("dorp=0:1",)}, "unknown setting that is searched 'dorp': did you mean 'drop'"),
        ({"ranges": ("drop=0.1",)}, "the range 'drop=0.1' cannot be read: write it as drop=0.1:0.5"),
        ({"ranges": ("drop=0.5:0.1",)}, "the range 'drop=0.5:0.1' holds nothing: give a lower end, then a higher"),
        ({"ranges": ("tau=0:1",)}, "the range 'tau=0:1' holds nothing: give a lower end above 0"),
        ({"ranges": ("drop=-2:0.5",)}, "drop=-2.0"),
        ({"method": "tinyprop_v2", "ranges": ("s_min=0.1:0.5",)}, "s_min=0.5 above s_max=0.3"),
        ({"store": 0}, "a store was given capacity=0"),
        ({"trials": 0}, "0 trials find nothing"),
        ({"seeds": 0}, "seeds is 0: choose 1 or more"),
        ({"name": "a.b"}, "'a.b' cannot be the name of a variant"),
        ({"picture_path": Path("front.pdf")}, "name a .png or .svg file"),
    ],
)
def test_what_cannot_be_searched_is_said_before_anything_is_written(tmp_path, tune, changed, sentence):
    with pytest.raises(UserError, match=sentence):
        tune(Invented(), **changed)
    assert not list(tmp_path.iterdir())


def test_without_optuna_it_says_what_to_install(tune, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UserError, match=r"tinyprop tune needs Optuna: run \"pip install 'tinyprop\[tune\]'\""):
        tune(Invented())


def test_the_chosen_one_is_the_cheapest_of_the_good_ones():
    base = Candidate(0, {}, 0.1, None, 90.0, 0.5, 0.8, 1.0)
    others = (
        replace(base, number=1, accuracy=89.6, effort_total=0.5),
        replace(base, number=2, accuracy=89.4, effort_total=0.1),
    )
    assert picked((base, *others)).number == 1


def test_objectives_are_fields_of_a_candidate():
    assert set(OBJECTIVES) <= {field.name for field in msgspec.inspect.type_info(Candidate).fields}


def test_a_fragment_names_what_trains_and_only_what_was_searched():
    asked = search(CONFIG, "full", "mlp", trainable=("last_layer",))
    one = Candidate(3, {}, 0.0123, "last_layer", 90.0, 0.1, 0.2, 100.0)
    text = fragment(asked, one, "last_layer")
    assert msgspec.toml.decode(text) == {"rates_of": {"last_layer": {"mlp": 0.0123}}}
    both = search(CONFIG, "ours", "mlp", trainable=("last_layer",))
    text = fragment(both, replace(one, settings={"drop": 0.2, "tau": 1e-5}), "mine")
    variant = {"method": "ours", "settings": {"drop": 0.2, "tau": 1e-5}, "trainable": "last_layer"}
    assert msgspec.toml.decode(text) == {"variants": {"mine": variant}, "rates_of": {"mine": {"mlp": 0.0123}}}


def test_no_test_sample_is_looked_at(monkeypatch):
    cell = Cell("digits_new_classes", "cnn", "full", Variant("full"), 0.02, FIRST_SEED, 1, 1, 1)
    card, weights = SCENARIOS[cell.scenario], shipped(cell)

    def poisoned(seed: int):
        task = card.make(seed)
        hidden = Samples(np.full_like(task.test.x, np.nan), task.test.y)
        return replace(task, test=hidden, old=hidden)

    poison = {cell.scenario: replace(card, make=poisoned)}
    monkeypatch.setattr(experiment, "SCENARIOS", poison)
    judged = on_validation(cell, weights)
    assert isinstance(judged, Outcome)
    assert 10 < judged.accuracy_after <= 100
    with pytest.raises(UserError, match="holds"):
        on_test(cell, weights)


def test_settings_that_a_network_cannot_have_cost_their_trial_only():
    cell = Cell(
        "digits_new_classes", "cnn", "o", Variant("ours_at_effort", {"effort": 0.001}), 0.02, FIRST_SEED, 1, 1, 1
    )
    answer = on_validation(cell, shipped(cell))
    assert isinstance(answer, str)
    assert "cannot be reached" in answer


SHARED = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_tune import CONFIG, Invented
from tinyprop.bench.tuning.search import search
from tinyprop.bench.tuning.study import Study
class Slow(Invented):
    def each(self, function, jobs):
        time.sleep(0.05)
        return super().each(function, jobs)
study = Study(search(CONFIG, "ours", "mlp"), Path(sys.argv[1]))
print("ready", flush=True)
study.go_on(int(sys.argv[3]), lambda *told: print(*told, flush=True), Slow())
"""


@needs_optuna
def test_processes_share_a_journal_and_one_that_is_killed_does_not_harm_it(tmp_path):
    from tinyprop.bench.tuning.study import Study

    path = tmp_path / "shared.journal"
    asked = search(CONFIG, "ours", "mlp")
    arguments = [sys.executable, "-c", SHARED, str(path), str(Path(__file__).parent)]
    both = [subprocess.Popen([*arguments, trials], stdout=subprocess.PIPE, text=True) for trials in ("1000", "20")]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    study = Study(asked, path)
    while study.ended < 8:
        time.sleep(0.05)
    os.kill(both[0].pid, signal.SIGKILL)
    both[0].communicate()
    said, _ = both[1].communicate(timeout=120)
    assert both[1].returncode == 0, said
    found_by_both = Study(asked, path).candidates()
    assert len(found_by_both) >= 20
    by_chance = [(one.rate, *one.settings.values()) for one in found_by_both if one.number < STARTUP]
    assert len(set(by_chance)) == len(by_chance) > 1  # none drew what the other drew
    Study(asked, path).go_on(len(found_by_both) + 2, lambda *_: None, Invented())
    assert len(Study(asked, path).candidates()) == len(found_by_both) + 2
