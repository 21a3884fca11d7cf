"""DemoReport → one self-contained HTML page."""

from pathlib import Path

from markupsafe import Markup

from tinyprop.bench.report.demo.accuracy_figure import accuracy_figure
from tinyprop.bench.report.demo.instructions_figure import instructions_figure
from tinyprop.bench.report.demo.kept_figure import kept_figure
from tinyprop.bench.report.demo.records import DemoReport
from tinyprop.bench.report.demo.table import CLOSE, COLUMNS, groups_of, summaries_of
from tinyprop.bench.report.method_style import style_of
from tinyprop.bench.report.render import rendered


def write_report(path: Path, report: DemoReport) -> None:
    """Writes the page to `path`, making its folder; nothing is written when the page cannot be made.

    The page needs no network and no other file. Raises UserError when matplotlib is missing.
    """
    page = page_of(report)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8", newline="\n")


def page_of(report: DemoReport) -> str:
    """The page as text; the same report gives the same bytes."""
    groups = groups_of(report.rows)
    return rendered(
        "tinyprop.bench.report.demo",
        report=report,
        columns=COLUMNS,
        close=CLOSE,
        groups=groups,
        summaries=summaries_of(groups),
        style_of=style_of,
        accuracy=[(group, Markup(accuracy_figure(group.rows))) for group in groups],
        kept=[(history, Markup(kept_figure(history))) for history in report.kept],
        instructions=[(split, instructions_figure(split)) for split in report.instructions],
    )
