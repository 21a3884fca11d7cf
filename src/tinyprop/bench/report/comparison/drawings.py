"""The drawings of a case: what is reached against effort, how it is learned, what is kept."""

from collections.abc import Mapping

import numpy as np

from tinyprop.bench.compare.summary import MARGIN, SummaryRow
from tinyprop.bench.report.comparison.records import Case
from tinyprop.bench.report.effort_figure import Mark, effort_figure
from tinyprop.bench.report.lines_figure import Line, lines_figure
from tinyprop.bench.report.method_style import MethodStyle
from tinyprop.bench.report.render import signed
from tinyprop.bench.report.strips_figure import Share, Strip, strips_figure

FLOOR = -5.0  # points against full training: what lies lower would squeeze the rest into a line

Styles = Mapping[str, MethodStyle]


def effort_drawing(case: Case, styles: Styles) -> str:
    """Points against full training, or accuracy where that is not among the rows, over effort."""
    against_full = case.full is not None
    marks = [_mark(row, styles[row.method], against_full=against_full) for row in case.rows]
    what = "Points against full training" if against_full else "Accuracy in percent"
    said = "; ".join(f"{mark.text} at {mark.bwd:.3f} backward, {mark.total:.3f} in all" for mark in marks)
    floor = FLOOR if against_full else -np.inf
    return effort_figure(marks, f"{what} over effort, {_name(case)}: {said}", floor=floor, front=True)


def curve_drawing(case: Case, styles: Styles) -> str:
    """Accuracy over samples; a dotted line at what cost to accuracy asks for."""
    lines = [
        Line(
            f"{(style := styles[curve.variant]).short} {curve.accuracy[-1]:.1f}",
            style.colour,
            curve.steps,
            curve.accuracy,
            curve.half,
            style.dashed,
        )
        for curve in case.curves
    ]
    said = "; ".join(f"{styles[c.variant].short} from {c.accuracy[0]:.1f} to {c.accuracy[-1]:.1f}" for c in case.curves)
    level = case.full.accuracy_mean - MARGIN if case.full is not None else None
    return lines_figure(
        lines, "samples seen in the field", f"Accuracy in percent over samples, {_name(case)}: {said}", level=level
    )


def kept_drawing(case: Case, styles: Styles) -> str:
    """Share of each layer's δ that is kept over time, input layer at the top."""
    strips = [
        Strip(
            f"layer {layer}",
            tuple(Share(styles[one.variant].colour, one.steps, one.share[:, index]) for one in case.kept),
        )
        for index, layer in enumerate(case.layers)
    ]
    said = "; ".join(
        f"{styles[one.variant].short} at the end {', '.join(f'{100 * share:.1f}' for share in one.share[-1])}"
        for one in case.kept
    )
    return strips_figure(
        strips, "samples seen in the field", f"Percent of each layer's error that is kept, {_name(case)}: {said}"
    )


def _mark(row: SummaryRow, style: MethodStyle, *, against_full: bool) -> Mark:
    if against_full and row.difference_mean is not None:
        y, half, text = row.difference_mean, row.difference_ci95, signed(row.difference_mean, 1)
    else:
        y, half, text = row.accuracy_mean, row.accuracy_ci95, f"{row.accuracy_mean:.1f}"
    return Mark(f"{style.short} {text}", style.colour, y, half or 0.0, row.effort_bwd, row.effort_total)


def _name(case: Case) -> str:
    return f"{case.scenario}, {case.model}"
