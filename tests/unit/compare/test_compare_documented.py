"""The tables in docs/compare.md are those of the committed result."""

import json
from io import StringIO
from pathlib import Path

import msgspec
from rich.console import Console

from tinyprop.bench.compare.config import load_config
from tinyprop.bench.compare.summary import SummaryRow
from tinyprop.bench.compare.table import tables
from tinyprop.bench.compare_command import DEFAULT

ROOT = Path(__file__).parents[3]


def test_the_documented_tables_are_the_committed_result() -> None:
    content = json.loads((ROOT / "results" / "compare-digits.json").read_text(encoding="utf-8"))
    rows = msgspec.convert(content["rows"], tuple[SummaryRow, ...])
    console = Console(file=StringIO(), width=100)
    for table in tables(rows):
        console.print(table)
    shown = "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())
    assert shown in (ROOT / "docs" / "compare.md").read_text(encoding="utf-8")
    config = load_config(DEFAULT)
    wanted = [(s, m, v) for s, models in config.scenarios.items() for m in models for v in config.variants]
    assert [(row.scenario, row.model, row.method) for row in rows] == wanted
    assert {row.seeds for row in rows} == {config.seeds}


def test_the_committed_summary_can_be_quoted() -> None:
    """One row for each scenario, network and method, with what README and docs may take from it."""
    content = json.loads((ROOT / "results" / "summary.json").read_text(encoding="utf-8"))
    rows = msgspec.convert(content["rows"], tuple[SummaryRow, ...])
    assert len({(row.scenario, row.model, row.method) for row in rows}) == len(rows) > 0
    assert not content["warnings"]
    assert all(len(made["code"]) == 64 for made in content["provenance"])
