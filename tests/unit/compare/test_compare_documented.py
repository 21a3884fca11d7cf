"""The tables in the documents are those of the committed results, and results are those of the configurations."""

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from tinyprop.bench.compare.archive import read_archive
from tinyprop.bench.compare.config import load_config
from tinyprop.bench.compare.scenarios import SCENARIOS
from tinyprop.bench.compare.summary import SummaryRow
from tinyprop.bench.compare.table import tables
from tinyprop.bench.compare_command import DEFAULT
from tinyprop.bench.floors_command import Row
from tinyprop.bench.recipes.table import RECIPES
from tinyprop.bench.whole_table import print_whole

ROOT = Path(__file__).parents[3]
CONFIGS = sorted(path.stem for path in DEFAULT.parent.glob("*.toml"))
MEASURED = [name for name in CONFIGS if (ROOT / "results" / f"compare-{name}.json").exists()]
SUMMED_UP = [name for name in MEASURED if name not in ("replay", "latents")]  # which ask something else of cases in it
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "compare.md").read_text(encoding="utf-8")


def committed(name: str) -> tuple[dict[str, Any], tuple[SummaryRow, ...]]:
    """results/compare-NAME.json, whole and its rows."""
    content = json.loads((ROOT / "results" / f"compare-{name}.json").read_text(encoding="utf-8"))
    return content, msgspec.convert(content["rows"], tuple[SummaryRow, ...])


@pytest.mark.parametrize("name", MEASURED)
def test_the_documented_tables_are_the_committed_result(name) -> None:
    content, rows = committed(name)
    console = Console(file=StringIO(), width=120)
    for table in tables(rows):
        console.print(table)
    shown = "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())
    assert shown in PAGE
    config = load_config(DEFAULT.parent / f"{name}.toml")
    wanted = [(s, m, v) for s, models in config.scenarios.items() for m in models for v in config.variants]
    assert [(row.scenario, row.model, row.method) for row in rows] == wanted
    assert {row.seeds for row in rows} == {config.seeds}
    assert {row.dataset for row in rows} == {SCENARIOS[scenario].filed_as for scenario in config.scenarios}
    assert content["config"]["rates"] == dict(config.rates)


def test_no_figure_is_cut_off_where_the_console_is_narrow() -> None:
    """As in a file or a pipe."""
    printed = []
    for width in (80, 200):
        console = Console(file=StringIO(), width=width)
        for table in tables(committed("digits")[1]):
            print_whole(console, table)
        assert console.width == width
        printed.append([line.split() for line in console.file.getvalue().splitlines()])
    assert printed[0] == printed[1]
    assert "…" not in str(printed[0])


@pytest.mark.parametrize("name", CONFIGS)
def test_every_configuration_that_is_shipped_can_be_read(name):
    assert load_config(DEFAULT.parent / f"{name}.toml").cells()


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_is_documented(name):
    assert f"| `{name}` |" in PAGE


def test_the_documented_floors_are_the_committed_result():
    content = (ROOT / "results" / "floors.json").read_bytes()
    rows = msgspec.json.decode(content, type=dict[str, tuple[Row, ...]])["floors"]
    page = (ROOT / "docs" / "floors.md").read_text(encoding="utf-8")
    assert [row.measured.recipe for row in rows] == list(RECIPES)
    for row in rows:
        one, recipe = row.measured, RECIPES[row.measured.recipe]
        interval = "" if one.accuracy_ci95 is None else f" ± {one.accuracy_ci95:.1f}"
        floor = "–" if one.floor is None else f"{one.floor:g}"
        about = f"| `{one.recipe}` | {one.dataset} | {one.network} | {one.parameters:,} |"
        assert f"{about} {one.accuracy_mean:.1f}{interval} | {floor} | {one.seeds} |" in page
        assert json.loads(json.dumps(recipe.settings)) == row.settings
        assert one.reached in (True, None)


def test_the_committed_summary_can_be_quoted() -> None:
    """One row for each scenario, network and method, with what README and docs may take from it."""
    content = json.loads((ROOT / "results" / "summary.json").read_text(encoding="utf-8"))
    rows = msgspec.convert(content["rows"], tuple[SummaryRow, ...])
    assert len({(row.scenario, row.model, row.method) for row in rows}) == len(rows) > 0
    states, *files = content["warnings"]
    assert "states of tinyprop's code" in states
    named = [re.search(r"those of compare-(\w+)\.json", warning) for warning in files]
    assert [found and found[1] for found in named] == ["cifar10"]  # whose runs are not in results/runs.jsonl.gz
    wanted = {(row.scenario, row.model, row.method, row.seeds) for name in SUMMED_UP for row in committed(name)[1]}
    assert {(row.scenario, row.model, row.method, row.seeds) for row in rows} == wanted


def test_the_readme_says_what_the_summary_says() -> None:
    short = json.loads((ROOT / "results" / "summary.json").read_text(encoding="utf-8"))["in_short"]
    figures = {row["variant"]: row for row in short}
    shown = re.findall(
        r"^\| .* \| (.*) \| (.*) \| (.*) \| (.*) \| (.*) \| (.*) \|$", README.partition("effort backward")[2], re.M
    )
    variants = ("full_zero_skip", "last_layer", "top_k", "loss_skip", "tinyprop_v1", "tinyprop_v2", "ours")
    for line, row in zip(shown[: len(variants)], (figures[name] for name in variants), strict=True):
        points = [f"{row[key]:+.1f}" for key in ("points_mean", "points_worst")]
        assert [*line] == points + [
            f"{row[key]:.2f}" for key in ("effort_bwd", "effort_bwd_worst", "effort_total", "instructions")
        ]
        assert row["cases"] == 16


def test_what_was_made() -> None:
    content = json.loads((ROOT / "results" / "summary.json").read_text(encoding="utf-8"))
    assert all(len(made["code"]) == 64 for made in content["provenance"])


def test_the_committed_runs_are_those_of_the_committed_rows() -> None:
    """Who goes on from them has nothing left to run of what is committed."""
    done = {entry.row.cell.key for entry in read_archive(ROOT / "results" / "runs.jsonl.gz") if entry.row}
    for name in ("digits", "har", "speech", "mnist", "food101", "flowers102", "tinyimagenet32"):
        assert {cell.key for cell in load_config(DEFAULT.parent / f"{name}.toml").cells()} <= done


def test_a_store_of_500_samples_forgets_at_most_what_the_page_says() -> None:
    rows = {(row.scenario, row.model, row.method): row for row in committed("replay")[1]}
    from_store = ("full_from_store", "tinyprop_v2_from_store", "ours_from_store", "ours_from_store_awake")
    for model in ("mlp", "cnn"):
        assert min(rows["digits_new_classes", model, name].forgotten_mean or 0 for name in from_store) > -1.65
        assert abs(rows["digits_new_classes", model, "ours_from_store"].difference_mean or 0) <= 0.6
        for scenario in ("digits_rotated", "digits_new_classes"):
            assert rows[scenario, model, "ours_from_store"].effort_total < 0.30
            assert rows[scenario, model, "tinyprop_v2_from_store"].effort_total < 0.30
