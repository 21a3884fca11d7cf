"""From a store to the report: which runs, what is said of them, and what is refused."""

import json
import sqlite3
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tinyprop.bench.compare import summary as summary_module
from tinyprop.bench.compare.cell import Cell, Variant
from tinyprop.bench.compare.store import VERSION, Row, Store, stored
from tinyprop.bench.report.canvas import Colour
from tinyprop.bench.report.comparison import gather
from tinyprop.bench.report.comparison.cells import cells_of, one_comparison
from tinyprop.bench.report.comparison.earlier import read_earlier
from tinyprop.bench.report.comparison.gather import data_label, report_of
from tinyprop.bench.report.comparison.stated import paper
from tinyprop.bench.report.effort_figure import Mark, on_front
from tinyprop.bench.report.method_style import styles_of
from tinyprop.bench.report.spread import apart_within
from tinyprop.bench.report_command import report_command
from tinyprop.data import DATA_SETS
from tinyprop.errors import UserError

from .conftest import CASES, HOSTILE, VARIANTS, changed, written


def reported(store: Path, **changed: object) -> str:
    console = Console(file=StringIO(), width=200)
    settings = {"output": store.parent / "out" / "page.html", "markdown_path": None, "json_path": None}
    assert report_command(console, store, **({"config_paths": ()} | settings | changed)) == 0
    return console.file.getvalue()


def test_all_that_is_asked_for_is_written_and_the_store_only_read(tmp_path, store):
    before = store.read_bytes()
    out = tmp_path / "out"
    text = reported(store, markdown_path=out / "tables.md", json_path=out / "summary.json")
    assert sorted(path.name for path in out.iterdir()) == ["page.html", "summary.json", "tables.md"]
    assert all(str(path) in text for path in out.iterdir())
    assert store.read_bytes() == before


def test_what_is_no_store_is_refused_and_nothing_written(tmp_path):
    names = ("none", "folder", "empty file", "text", "empty", "foreign", "later", "damaged")
    paths = {name: tmp_path / "stores" / name for name in names}
    paths["folder"].mkdir(parents=True)
    paths["empty file"].write_bytes(b"")
    paths["text"].write_text("no database, but long enough to be looked at as one" * 10)
    Store(paths["empty"]).close()
    sqlite3.connect(paths["foreign"]).execute("CREATE TABLE theirs (x)").connection.close()
    for name, statement in (
        ("later", f"PRAGMA user_version = {VERSION + 1}"),
        ("damaged", "INSERT INTO outcomes VALUES ('k', '{}', '{}', '{}', '')"),
    ):
        Store(paths[name]).close()
        with sqlite3.connect(paths[name]) as connection:
            connection.execute(statement)
        connection.close()
    before = {path: path.read_bytes() for path in paths.values() if path.is_file()}
    for name, sentence in (
        ("none", r"there is no store '.*none': make one with `tinyprop compare --store .*none`"),
        ("folder", "there is no store '.*folder'"),
        ("empty file", "the store '.*empty file' holds no run"),
        ("text", "'.*text' cannot be read as a store of results .file is not a database.: name a file"),
        ("empty", "the store '.*empty' holds no run"),
        ("foreign", "is a database, but not of tinyprop: name another file"),
        ("later", f"written by a later tinyprop .format {VERSION + 1}, this one knows {VERSION}.: update tinyprop"),
        ("damaged", "'.*damaged' cannot be read as a store of results .*missing required field"),
    ):
        with pytest.raises(UserError, match=sentence):
            reported(paths[name], output=tmp_path / "out" / "page.html")
    assert not (tmp_path / "out").exists()
    assert not paths["none"].exists()
    assert {path: path.read_bytes() for path in before} == before


def test_a_folder_that_cannot_be_written_is_named_and_nothing_written(tmp_path, store):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        reported(store, json_path=tmp_path / "file" / "rows.json")
    assert not (tmp_path / "out" / "page.html").exists()


def test_runs_that_differ_under_one_name_are_not_mixed(tmp_path, rows):
    for field, value, sentence in (
        ("rate", 0.1, "digits_rotated · mlp · full with several learning rates: name with --config"),
        ("trains", Variant("full", {"x": 1.0}), "digits_rotated · mlp · full with several settings"),
        ("field_epochs", 9, "digits_rotated · mlp with several lengths of learning"),
        ("pretrain_epochs", 9, "digits_rotated · mlp with several lengths of pretraining"),
        ("checkpoints", 9, "digits_rotated · mlp with several numbers of checkpoints"),
    ):
        with pytest.raises(UserError, match=sentence):
            one_comparison(cells_of((*rows, changed(rows[0], seed=9, **{field: value}))))


def test_a_configuration_says_which_runs_are_meant(tmp_path, rows):
    store = written(tmp_path / "store.sqlite", (*rows, changed(rows[0], rate=0.1)))
    config = tmp_path / "mine.toml"
    config.write_text(
        "seeds = 4\nfield_epochs = 4\ncheckpoints = 4\n[scenarios]\ndigits_rotated = ['mlp']\n[rates]\nmlp = 0.05\n"
        "[variants.full]\nmethod = 'full'\n[variants.second]\nmethod = 'tinyprop_v2'\n"
    )
    with pytest.raises(UserError, match="several learning rates"):
        reported(store)
    text = reported(store, config_paths=(config,), markdown_path=tmp_path / "tables.md")
    assert "note: 2 of the 8 runs asked for are not in the store yet." in text
    tables = (tmp_path / "tables.md").read_text()
    assert "| second |" in tables
    assert "digits\\_new\\_classes" not in tables
    config.write_text(config.read_text().replace("mlp = 0.05", "mlp = 0.7"))
    with pytest.raises(UserError, match="holds none of the 8 runs that --config names"):
        reported(store, config_paths=(config,))


def test_a_scenario_that_is_not_known_is_named(rows):
    with pytest.raises(UserError, match="scenario 'on_mars', which this tinyprop does not know"):
        one_comparison(cells_of((changed(rows[0], scenario="on_mars"),)))


def test_rows_come_in_an_order_that_does_not_depend_on_the_store(rows):
    names = [cell.variant for cell in cells_of(rows[::-1])]
    assert list(dict.fromkeys(names)) == list(VARIANTS)
    assert cells_of(rows[::-1]) == cells_of(rows)


def test_runs_that_started_from_other_weights_are_said_at_the_top(rows):
    elsewhere = replace(rows[-1], outcome=replace(rows[-1].outcome, accuracy_before=1.0))
    (warning,) = report_of((*rows[:-1], elsewhere), one_comparison(cells_of(rows))).warnings
    cell = rows[-1].cell
    assert warning.startswith(f"Runs of {cell.scenario} · {cell.model} with the same seed started from different")


def test_several_codes_and_unequal_seeds_are_said_at_the_top(rows):
    other = replace(rows[0], provenance={"code": "b" * 64})
    report = report_of((other, *rows[1:-1]), one_comparison(cells_of(rows[:-1])))
    seeds, codes = report.warnings
    assert seeds.startswith("The rows of digits_new_classes · cnn do not have the same seeds")
    assert codes.startswith("The rows come from 2 states of tinyprop's code")
    facts = dict(report.facts)
    assert facts["seeds"] == "0–2"
    assert [value for name, value in report.facts if name.startswith("code")] == [
        "bbbbbbbbbbbb: 1 runs",
        f"aaaaaaaaaaaa: {len(rows) - 2} runs",
    ]
    assert "torch unknown and 9.9" in facts["versions"]
    assert len(report.provenance) == 4
    assert not report_of(rows, one_comparison(cells_of(rows))).warnings


def test_curves_are_means_with_their_interval(rows):
    report = report_of(rows, one_comparison(cells_of(rows)))
    full = report.cases[0].curves[0]
    assert full.steps.tolist() == [0, 50, 100, 150, 200]
    np.testing.assert_allclose(full.accuracy, [60, 67.75, 75.5, 83.25, 91])
    np.testing.assert_allclose(full.half[[0, -1]], [0, 4.30265 / np.sqrt(3)], rtol=1e-5)  # t of two degrees of freedom
    (alone,) = report_of(rows[:1], one_comparison(cells_of(rows[:1]))).cases
    assert alone.curves[0].half is None


def test_a_scenario_in_which_the_last_layer_is_enough_is_called_so(rows):
    report = report_of(rows, one_comparison(cells_of(rows)))
    assert report.cases[0].over_last_layer == pytest.approx(9 * 1.1)
    without = tuple(row for row in rows if row.cell.variant != "last_layer")
    assert report_of(without, one_comparison(cells_of(without))).cases[0].over_last_layer is None


def test_rows_from_before_layers_were_looked_at_have_no_drawing_of_them(rows):
    def earlier(row):
        curve = tuple(replace(point, kept=()) for point in row.outcome.curve)
        return replace(row, outcome=replace(row.outcome, curve=curve, layers=()))

    report = report_of(tuple(map(earlier, rows)), one_comparison(cells_of(rows)))
    assert [case.kept for case in report.cases] == [(), ()]


def test_what_the_paper_states_stands_beside_what_was_measured(rows, monkeypatch):
    report = report_of(rows, one_comparison(cells_of(rows)))
    assert [row.measured for row in report.beside.rows] == [None] * 8  # digits are no set of the paper
    assert {row.dataset: row.stated_points for row in report.beside.rows}["CIFAR-100"] == "−1.07"
    assert any(text.startswith("DCASE2020: not measured") for text in report.beside.differs)

    scenarios = dict(gather.SCENARIOS)
    scenarios["digits_rotated"] = replace(scenarios["digits_rotated"], dataset="tinyimagenet32")
    for module in (gather, summary_module):
        monkeypatch.setattr(module, "SCENARIOS", scenarios)
    report = report_of(rows, one_comparison(cells_of(rows)))
    (measured,) = (row for row in report.beside.rows if row.measured is not None)
    assert (measured.dataset, measured.measured.method) == ("CIFAR-100", "tinyprop_v2")
    assert "CIFAR-100 (digits_rotated · mlp): Not CIFAR-100 but a stand-in" in " ".join(report.beside.differs)
    assert report.cases[0].data.stands_in_for == "CIFAR-100"


def test_the_paper_is_measured_on_data_that_there_are():
    known = {edition.name for loader in DATA_SETS.values() for edition in loader().editions()}
    named = {name for claim in paper().claims for name in claim.measured_on}
    assert named - {"speech_commands"} <= known | set(DATA_SETS)  # sound is listed on its own
    assert len(paper().claims) == 8
    for name in named & known:
        assert data_label(name).title != name
    assert data_label("cifar10").title == "CIFAR-10 or CIFAR-10, JPEG copies"


def test_names_that_have_no_colour_of_their_own_share_out_the_spare_ones():
    styles = styles_of(["full", *(f"mine{index}" for index in range(7))])
    assert styles["full"].colour == Colour.FULL
    assert len({(style.colour, style.dashed) for style in styles.values()}) == 8
    assert styles_of([HOSTILE])[HOSTILE].label == HOSTILE
    assert len(styles_of([HOSTILE])[HOSTILE].short) <= 14


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=8))
def test_the_front_holds_what_no_other_mark_beats(places):
    marks = [Mark("m", Colour.INK, float(y), 0.0, bwd / 10, 1.0) for bwd, y in places]
    front = {(mark.bwd, mark.y) for mark in on_front(marks)}
    wanted = {
        (one.bwd, one.y)
        for one in marks
        if not any(o.bwd <= one.bwd and o.y >= one.y and (o.bwd, o.y) != (one.bwd, one.y) for o in marks)
    }
    assert front == wanted


@given(st.lists(st.floats(0, 1), min_size=0, max_size=8), st.floats(0.01, 0.14))
def test_labels_stay_within_where_there_is_room(wanted, gap):
    placed = np.sort(apart_within(np.array(wanted), gap))
    assert np.all(np.diff(placed) >= gap * (1 - 1e-6))
    assert np.all((placed >= -1e-9) & (placed <= 1 + 1e-9))


def test_every_case_has_its_seeds_and_steps(rows):
    report = report_of(rows, one_comparison(cells_of(rows)))
    assert [(case.scenario, case.model) for case in report.cases] == list(CASES)
    assert [(case.seeds, case.steps) for case in report.cases] == [((0, 1, 2), 200)] * 2
    assert "digits_rotated · mlp: pretrain_epochs = 25, field_epochs = 4, checkpoints = 4" in report.config


EARLIER = Path(__file__).parents[3] / "results" / "compare-cifar10.json"


def test_rows_whose_runs_are_gone_stand_beside_those_of_the_store(store):
    out = store.parent / "out"
    text = reported(store, earlier_paths=(EARLIER,), markdown_path=out / "t.md", json_path=out / "s.json")
    assert "The rows of cifar10_blurred · resnet8 are those of compare-cifar10.json, whose runs are not" in text
    alone = report_of(*_of_store(store)).in_short
    summary = json.loads((out / "s.json").read_text())
    given = json.loads(EARLIER.read_text())
    shown = summary["rows"][-len(given["rows"]) :]
    assert [{name: row[name] for name in one} for row, one in zip(shown, given["rows"], strict=True)] == given["rows"]
    assert given["provenance"][0] in summary["provenance"]
    short = {one["variant"]: one for one in summary["in_short"]}
    full = next(one for one in alone if one.variant == "tinyprop_v2")
    theirs = next(row for row in given["rows"] if row["method"] == "tinyprop_v2")
    assert short["tinyprop_v2"]["cases"] == full.cases + 1
    mean = (full.points_mean * full.cases + theirs["difference_mean"]) / (full.cases + 1)
    assert short["tinyprop_v2"]["points_mean"] == pytest.approx(mean)
    page = (out / "page.html").read_text()
    assert page.count("over samples</span></figcaption>") == reported_drawings(store)
    assert "cifar10_blurred · resnet8" in page
    assert r"## cifar10\_blurred · resnet8" in (out / "t.md").read_text()


def reported_drawings(store: Path) -> int:
    reported(store, output=store.parent / "alone.html")
    return (store.parent / "alone.html").read_text().count("over samples</span></figcaption>")


def _of_store(store: Path) -> tuple[tuple[Row, ...], tuple[Cell, ...]]:
    rows, _ = stored(store)
    return rows, one_comparison(cells_of(rows))


def test_a_case_that_the_store_holds_is_not_taken_twice(tmp_path, store):
    rows, cells = _of_store(store)
    earlier = replace(read_earlier(EARLIER), name="mine.json")
    doubled = replace(
        earlier, rows=tuple(replace(row, scenario=CASES[0][0], model=CASES[0][1]) for row in earlier.rows)
    )
    with pytest.raises(UserError, match=r"digits_rotated · mlp is in the store and in 'mine\.json': leave out"):
        report_of(rows, cells, (), (doubled,))
    (tmp_path / "no.json").write_text("{}")
    for path in (tmp_path / "no.json", tmp_path / "none.json"):
        with pytest.raises(UserError, match=rf"{path.name}' cannot be read as rows of a comparison"):
            reported(store, earlier_paths=(path,))
