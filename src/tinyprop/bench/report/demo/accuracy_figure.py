"""Accuracy against effort, one panel per model and scenario."""

from collections.abc import Sequence

from tinyprop.bench.report.demo.records import Row
from tinyprop.bench.report.effort_figure import Mark, effort_figure
from tinyprop.bench.report.method_style import style_of


def accuracy_figure(rows: Sequence[Row]) -> str:
    """Rows of one model and scenario as an SVG: a filled dot at effort_bwd, an open one at effort_total."""
    return effort_figure([_mark(row) for row in rows], f"Accuracy against effort, {rows[0].model}, {rows[0].scenario}")


def _mark(row: Row) -> Mark:
    style = style_of(row.method)
    return Mark(
        f"{style.short} {row.accuracy_after:.1f}",
        style.colour,
        row.accuracy_after,
        row.accuracy_after_sd,
        row.effort_bwd,
        row.effort_total,
    )
