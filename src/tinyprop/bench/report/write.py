"""DemoReport → one self-contained HTML page."""

from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from tinyprop.bench.report.accuracy_figure import accuracy_figure
from tinyprop.bench.report.instructions_figure import instructions_figure
from tinyprop.bench.report.kept_figure import kept_figure
from tinyprop.bench.report.method_style import style_of
from tinyprop.bench.report.records import DemoReport
from tinyprop.bench.report.table import CLOSE, COLUMNS, groups_of, summaries_of


def write_report(path: Path, report: DemoReport) -> None:
    """Writes the page to `path`, making its folder; nothing is written when the page cannot be made.

    The page needs no network and no other file. Raises UserError when matplotlib is missing.
    """
    page = page_of(report)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8", newline="\n")


def page_of(report: DemoReport) -> str:
    """The page as text; the same report gives the same bytes."""
    folder = files("tinyprop.bench.report")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(folder.joinpath("page.html.j2").read_text(encoding="utf-8"))
    groups = groups_of(report.rows)
    return template.render(
        report=report,
        style=Markup(folder.joinpath("page.css").read_text(encoding="utf-8")),
        columns=COLUMNS,
        close=CLOSE,
        groups=groups,
        summaries=summaries_of(groups),
        style_of=style_of,
        accuracy=[(group, Markup(accuracy_figure(group.rows))) for group in groups],
        kept=[(history, Markup(kept_figure(history))) for history in report.kept],
        instructions=[(split, instructions_figure(split)) for split in report.instructions],
        safe=Markup,
    )
