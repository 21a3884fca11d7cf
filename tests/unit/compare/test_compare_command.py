"""A short comparison from the command line: stored run by run, gone on with, the same every time."""

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from tinyprop.bench import compare_command as command
from tinyprop.bench.compare.archive import read_archive
from tinyprop.bench.compare.campaign import run_campaign
from tinyprop.bench.compare.store import Store
from tinyprop.errors import UserError

SMALL = """
seeds = 1
pretrain_epochs = 1
checkpoints = 2
[scenarios]
digits_new_classes = ["cnn"]
[rates]
cnn = 0.02
[variants.full]
method = "full"
[variants.last_layer]
method = "full"
trainable = "last_layer"
"""


@pytest.fixture
def compare(tmp_path: Path):
    config = tmp_path / "small.toml"
    config.write_text(SMALL)

    def run(store: str = "store.sqlite", **changed):
        console = Console(file=StringIO(), width=100)
        settings = {"seeds": None, "resume": False, "processes": 1, "json_path": tmp_path / "rows.json"} | changed
        status = command.compare_command(console, config_path=config, store_path=tmp_path / store, **settings)
        return status, console.file.getvalue()

    return run


def one_then_stop(cells, *rest):
    """In place of run_campaign: somebody presses Ctrl-C behind the first run."""
    run_campaign(cells[:1], *rest)
    raise KeyboardInterrupt


def test_it_runs_stores_and_goes_on(tmp_path, compare, monkeypatch):
    status, text = compare()
    assert status == 0
    assert "digits_new_classes · cnn" in text
    content = json.loads((tmp_path / "rows.json").read_text())
    rows = content["rows"]
    assert content["config"]["rates"] == {"cnn": 0.02}
    assert [made.keys() >= {"code", "data", "torch"} for made in content["provenance"]] == [True]
    assert [(row["method"], row["seeds"]) for row in rows] == [("full", 1), ("last_layer", 1)]
    assert 0 < rows[1]["effort_bwd"] < 0.1 < rows[0]["effort_bwd"] == 1.0

    with pytest.raises(UserError, match="the store holds 2 of these 2 runs already: add --resume"):
        compare()

    with Store(tmp_path / "store.sqlite") as store:
        before = store.rows()
        assert {"code", "data", "torch", "tinyprop"} <= before[0].provenance.keys()
        assert before[0].outcome.curve[-1].accuracy == before[0].outcome.accuracy_after
        outcomes = {row.cell.variant: row.outcome for row in before}
        assert [len(outcomes["full"].layers)] + [len(point.kept) for point in outcomes["full"].curve] == [3, 3, 3]
        assert {point.kept for point in outcomes["full"].curve} == {(1.0, 1.0, 1.0)}
        assert {point.kept for point in outcomes["last_layer"].curve} == {(0.0, 0.0, 1.0)}

    monkeypatch.setattr(command, "run_campaign", lambda *_: pytest.fail("all of it is stored"))
    status, again = compare(resume=True)
    assert "2 of 2 runs are stored." in again
    assert again.endswith(text[text.index("digits_new_classes") :])


def test_an_archive_carries_runs_to_another_machine(tmp_path, compare, monkeypatch):
    archive = tmp_path / "results" / "runs.jsonl.gz"
    _, text = compare(archive_path=archive)
    rows = json.loads((tmp_path / "rows.json").read_text())
    monkeypatch.setattr(command, "run_campaign", lambda *_: pytest.fail("all of it is archived"))
    _, again = compare("elsewhere.sqlite", archive_path=archive)
    assert "2 of 2 runs are stored." in again
    assert again.endswith(text[text.index("digits_new_classes") :])
    assert json.loads((tmp_path / "rows.json").read_text()) == rows


def test_an_interrupted_run_is_archived_as_far_as_it_came(tmp_path, compare, monkeypatch):
    monkeypatch.setattr(command, "run_campaign", one_then_stop)
    status, _ = compare(archive_path=tmp_path / "runs.jsonl.gz")
    assert status == command.INTERRUPTED
    assert len(read_archive(tmp_path / "runs.jsonl.gz")) == 1


def test_steps_are_counted_once_where_a_board_is_named(tmp_path, compare, monkeypatch):
    (tmp_path / "small.toml").write_text('board = "nano33ble"' + SMALL)
    status, text = compare()
    assert status == 0
    assert text.count("k instr") == 2  # in the table, and in the legend
    rows = {row["method"]: row for row in json.loads((tmp_path / "rows.json").read_text())["rows"]}
    assert 100e3 > rows["full"]["instructions"] > rows["last_layer"]["instructions"] > 1e3
    monkeypatch.setattr(command, "count_steps", lambda *_: pytest.fail("all of it is counted"))
    assert compare(resume=True)[1].endswith(text[text.index("digits_new_classes") :])


def test_what_cannot_be_counted_is_named_and_loses_nothing(tmp_path, compare, monkeypatch):
    (tmp_path / "small.toml").write_text('board = "nano33ble"' + SMALL)
    monkeypatch.setattr(command, "count_steps", lambda *_: ("full: it does not fit",))
    status, text = compare()
    assert status == 0
    assert "note: not counted: full: it does not fit" in text
    assert len(json.loads((tmp_path / "rows.json").read_text())["rows"]) == 2


def test_it_does_not_go_on_from_other_weights(tmp_path, compare, monkeypatch):
    """As another processor's pretraining gives them: refused, and what is stored stays as it is."""

    with monkeypatch.context() as patched:
        patched.setattr(command, "run_campaign", one_then_stop)
        compare(archive_path=tmp_path / "runs.jsonl.gz")
    [entry] = read_archive(tmp_path / "runs.jsonl.gz")
    assert len(entry.row.outcome.start_hash) == 64
    for number, changed in enumerate(({"start_hash": "0" * 64}, {"start_hash": "", "accuracy_before": 99.0})):
        elsewhere = replace(entry, row=replace(entry.row, outcome=replace(entry.row.outcome, **changed)))
        with Store(tmp_path / f"{number}.sqlite") as store:
            store.merge((elsewhere,))
        with pytest.raises(UserError, match="last_layer · seed 0 started from other weights than full, which is in"):
            compare(f"{number}.sqlite", resume=True)
        with Store(tmp_path / f"{number}.sqlite") as store:
            assert store.entries() == (elsewhere,)
    assert compare(resume=True)[0] == 0


def test_ctrl_c_keeps_what_was_finished_and_the_rest_comes_out_the_same(tmp_path, compare, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(command, "run_campaign", one_then_stop)
        status, text = compare()
    assert (status, "go on with --resume" in text) == (130, True)
    assert compare(resume=True)[0] == 0
    assert compare("whole.sqlite")[0] == 0
    with Store(tmp_path / "store.sqlite") as parts, Store(tmp_path / "whole.sqlite") as whole:
        assert {row.cell.key: row.outcome for row in parts.rows()} == {
            row.cell.key: row.outcome for row in whole.rows()
        }
