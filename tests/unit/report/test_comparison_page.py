"""The report of a comparison as a reader gets it: one page, nothing fetched, the numbers of the summary."""

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from tinyprop.bench.compare.count import Count
from tinyprop.bench.report.comparison.cells import cells_of, one_comparison
from tinyprop.bench.report.comparison.gather import report_of
from tinyprop.bench.report.comparison.markdown import escaped, markdown_of
from tinyprop.bench.report.comparison.write import page_of, summary_json

from .conftest import CASES, HOSTILE, VARIANTS

VOID = {"meta", "link", "br", "hr", "img", "path", "rect", "use", "wbr"}
WIDTHS = (360, 1200)


class Page(HTMLParser):
    """Checks that what opens closes, and keeps the rows of the tables under their headings."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self._heading = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in VOID:
            return
        self.open.append(tag)
        if tag == "h2":
            self._heading = ""
        if tag == "tr":
            self.tables.setdefault(self._heading, []).append([])
        if tag in ("td", "th"):
            self.tables[self._heading][-1].append("")

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "h2" in self.open:
            self._heading += data
        elif {"td", "th"} & set(self.open):
            self.tables[self._heading][-1][-1] += data.strip("\n")


@pytest.fixture
def report(rows):
    return report_of(rows, one_comparison(cells_of(rows)))


@pytest.fixture
def page(report) -> str:
    return page_of(report)


@pytest.fixture
def parsed(page) -> Page:
    parsed = Page()
    parsed.feed(page)
    assert not parsed.open
    return parsed


def test_the_page_holds_the_numbers_of_the_summary(parsed, report):
    summary = json.loads(summary_json(report))["rows"]
    assert len(summary) == len(CASES) * len(VARIANTS)
    for scenario, model in CASES:
        head, *shown = parsed.tables[f"{scenario} · {model}"]
        assert head[:3] == ["method", "accuracy, %", "points against full"]
        of_case = [row for row in summary if (row["scenario"], row["model"]) == (scenario, model)]
        assert len(shown) == len(of_case)
        for cells, row in zip(shown, of_case, strict=True):
            cost = "–" if row["cost_to_accuracy"] is None else f"{row['cost_to_accuracy']:.2f}"
            assert cells[1:] == [
                f"{row['accuracy_mean']:.1f} ± {row['accuracy_ci95']:.1f}",
                f"{row['difference_mean']:+.2f} ± {row['difference_ci95']:.2f}".replace("-", "−"),
                f"{row['effort_bwd']:.3f}",
                f"{row['effort_total']:.3f}",
                cost,
                f"{row['forgotten_mean']:+.2f} ± {row['forgotten_ci95']:.2f}".replace("-", "−"),
                f"{100 * row['skipped_share']:.0f} %",
                f"{row['seeds']}",
            ]
    by_name = {row["method"]: row for row in summary}
    assert by_name["tinyprop_v2"]["difference_mean"] == pytest.approx(-0.55)  # −0.5, −0.55, −0.6
    assert by_name["tinyprop_v2"]["cost_to_accuracy"] == pytest.approx(0.09 / 0.4)  # both at the last checkpoint
    assert by_name["last_layer"]["cost_to_accuracy"] is None


def test_in_short_is_over_all_cases(parsed):
    head, *shown = parsed.tables["In short"]
    assert head[-1] == "cases"
    v2 = next(cells for cells in shown if cells[0] == "TinyPropv2")
    assert [cell.strip() for cell in v2[1:]] == ["−0.55", "−0.55", "0.090", "0.090", "0.363", "0.23", "2"]


def test_markdown_holds_the_same_tables(report):
    text = markdown_of(report)
    for case in report.cases:
        section = text.split(f"## {escaped(f'{case.scenario} · {case.model}')}\n")[1].split("\n## ")[0]
        lines = [line for line in section.splitlines() if line.startswith("| ")]
        assert len(lines) == 2 + len(VARIANTS)
        assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {10}
        assert "−0.55 ± 0.12" in section
    assert text == markdown_of(report)


def test_what_was_counted_has_columns_of_its_own(rows):
    parts = tuple(
        replace(
            row,
            outcome=replace(row.outcome, curve=tuple(replace(at, parts=(at.macs, 0, 0)) for at in row.outcome.curve)),
        )
        for row in rows
    )
    cells = one_comparison(cells_of(parts))
    counts = tuple(Count(row.cell, "nano33ble", 3.0, 5.0, 4, "a" * 64) for row in parts if row.cell.seed == 0)
    counted = report_of(parts, cells, (*counts, Count(parts[0].cell, "rp2040", 9.0, 9.0, 4, "b" * 64)))
    page = page_of(counted)
    for text in (page, markdown_of(counted)):
        assert "instructions a step" in text
        assert "cost in instructions" in text
    assert "counted on the emulated Arduino Nano 33 BLE" in " ".join(page.split())
    full = next(row for row in json.loads(summary_json(counted))["rows"] if row["method"] == "full")
    assert full["instructions"] == 3.0 * 4000 / 200
    short = {row["variant"]: row for row in json.loads(summary_json(counted))["in_short"]}
    assert short["tinyprop_v2"]["instructions"] == pytest.approx(0.09)
    assert "instructions a step" not in page_of(report_of(rows, cells))
    assert not counted.warnings
    (warning,) = report_of(parts, cells, (*counts, replace(counts[0], code="b" * 64))).warnings
    assert "2 states of tinyprop's code" in warning


def test_energy_is_shown_where_it_is_known(rows, report):
    planned = tuple(
        replace(
            row,
            outcome=replace(
                row.outcome,
                ram_bytes=9_000,
                curve=tuple(replace(at, parts=(at.macs, 0, 0)) for at in row.outcome.curve),
            ),
        )
        for row in rows
    )
    cells = one_comparison(cells_of(planned))
    core = {"core": "cortex_m4", "cycles_per_forward": 64e3, "cycles_per_backward": 0.0}
    counts = tuple(Count(cell, "apollo4p-evb", 3.0, 5.0, 4, "a" * 64, **core) for cell in cells if cell.seed == 0)
    estimated = report_of(planned, cells, counts)
    full = next(row for row in json.loads(summary_json(estimated))["rows"] if row["method"] == "full")
    assert full["millijoules"] == {"nano33ble": pytest.approx(3.3 * 3.0 * 1e-3 * 4000 / 200)}
    for text in (page_of(estimated), markdown_of(estimated)):
        assert "millijoules a step, Arduino Nano 33 BLE" in text
        assert "0.198" in text
        assert "nRF52840 Product Specification" in text
    assert "millijoules" not in page_of(report)
    assert "No energy" in page_of(report)
    assert "No energy" not in page_of(estimated)


def test_a_hostile_name_is_shown_not_run(page, report):
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "conv&lt;1&gt;" in page
    text = markdown_of(report)
    assert "<script" not in text.replace("\\<", "")
    assert escaped(HOSTILE) in text
    assert json.loads(summary_json(report))["rows"][4]["method"] == HOSTILE


def test_nothing_is_fetched(page):
    assert not re.search(r"(src|href)\s*=\s*[\"'](?!#)", page)
    assert "//" not in page.replace("://www.w3.org", "")
    assert "@import" not in page
    targets = re.findall(r'href="#(case-\d+)"', page)
    assert len(targets) == len(CASES)
    assert all(f'id="{target}"' in page for target in targets)


def test_drawings_say_what_they_show(page):
    drawings = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert len(drawings) == 3 * len(CASES)
    for drawing in drawings:
        element = ElementTree.fromstring(drawing.replace("<svg", '<svg xmlns:xlink="x"', 1))
        assert element.get("role") == "img"
        assert len(element.get("aria-label") or "") > 60
    assert "TinyPropv2 −0.5 at 0.090 backward, 0.363 in all" in page or "TinyPropv2 −0.6 at 0.090" in page


def test_same_store_gives_the_same_bytes(report, page):
    assert page_of(report) == page


def test_what_is_kept_over_time_is_of_methods_that_select(report):
    for case in report.cases:
        assert [kept.variant for kept in case.kept] == ["full_zero_skip", "tinyprop_v2", HOSTILE]
        np.testing.assert_allclose(case.kept[1].share, [[0.2 / i, 1.0] for i in range(1, 5)])
        assert case.kept[1].steps.tolist() == [50, 100, 150, 200]
        assert case.layers == ("conv<1>", "head")


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_screen(tmp_path: Path, page: str, width: int) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on this machine to lay the page out")
    # In a frame: Chromium's own windows are never narrower than 500 pixels.
    measure = "parent.postMessage([innerWidth, document.documentElement.scrollWidth].join(' '), '*')"
    (tmp_path / "page.html").write_text(page.replace("</body>", f"<script>{measure}</script></body>"), encoding="utf-8")
    frame = tmp_path / "frame.html"
    frame.write_text(
        "<!doctype html><title>none</title><script>onmessage = event => document.title = event.data</script>"
        f'<iframe src="page.html" width="{width}" height="900" style="border: 0"></iframe>'
    )
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    command += ["--hide-scrollbars", "--virtual-time-budget=5000", "--dump-dom", frame.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"<title>(\d+) (\d+)</title>", done.stdout)
    if found is None:
        pytest.skip(f"Chromium does not run here: {done.stderr.strip()[-200:]}")
    inner, content = map(int, found.groups())
    assert inner == width
    assert content <= inner
