"""Accuracy against effort, one panel per model and scenario."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from tinyprop.bench.report.canvas import Colour, new_axes, page_style, svg_of
from tinyprop.bench.report.method_style import style_of
from tinyprop.bench.report.records import Row
from tinyprop.bench.report.spread import spread

_HEIGHT = 240
_LABEL_GAP = 0.095  # of the height of the axes
_TICKS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1)


@page_style()
def accuracy_figure(rows: Sequence[Row]) -> str:
    """Rows of one model and scenario as an SVG: a filled dot at effort_bwd, an open one at effort_total."""
    figure, (axes,) = new_axes(_HEIGHT)
    figure.subplots_adjust(left=0.11, right=0.57, top=0.97, bottom=0.18)
    _scale(axes, rows)
    for row in rows:
        _mark(axes, row)
    _label(axes, rows)
    return svg_of(figure, f"Accuracy against effort, {rows[0].model}, {rows[0].scenario}")


def _scale(axes: Axes, rows: Sequence[Row]) -> None:
    low = min(row.accuracy_after - row.accuracy_after_sd for row in rows)
    high = max(row.accuracy_after + row.accuracy_after_sd for row in rows)
    margin = max(0.5, 0.12 * (high - low))
    axes.set_ylim(low - margin, high + margin)
    axes.set_xscale("log")
    axes.set_xlim(min(0.02, 0.7 * min(max(row.effort_bwd, 1e-3) for row in rows)), 1.3)
    axes.xaxis.set_major_locator(FixedLocator(_TICKS))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(axis="y", color=Colour.GRID, linewidth=0.6)
    axes.spines["left"].set_visible(False)
    axes.tick_params(length=0, which="both")
    axes.set_axisbelow(True)
    axes.set_xlabel("effort, full training = 1")


def _mark(axes: Axes, row: Row) -> None:
    colour = style_of(row.method).colour
    y, bwd, total = row.accuracy_after, max(row.effort_bwd, 1e-3), row.effort_total
    axes.plot([bwd, total], [y, y], color=colour, linewidth=1.2, zorder=2)
    axes.plot([bwd, bwd], [y - row.accuracy_after_sd, y + row.accuracy_after_sd], color=colour, linewidth=1.2, zorder=2)
    axes.plot(total, y, "o", color=colour, markerfacecolor=Colour.PAPER, markersize=6, zorder=3)
    axes.plot(bwd, y, "o", color=colour, markersize=6, zorder=4)


def _label(axes: Axes, rows: Sequence[Row]) -> None:
    low, high = axes.get_ylim()
    heights = np.array([(row.accuracy_after - low) / (high - low) for row in rows])
    for row, at, text_at in zip(rows, heights, spread(heights, _LABEL_GAP), strict=True):
        style = style_of(row.method)
        axes.annotate(
            f"{style.short} {row.accuracy_after:.1f}",
            xy=(1.0, at),
            xytext=(1.09, text_at),
            xycoords="axes fraction",
            textcoords="axes fraction",
            va="center",
            color=style.colour,
            arrowprops=_leader(style.colour),
        )


def _leader(colour: Colour) -> dict[str, object]:
    """A thin line from the edge of the axes to the left of a label."""
    return {"arrowstyle": "-", "color": colour, "linewidth": 0.7, "relpos": (0, 0.5), "shrinkA": 2, "shrinkB": 0}
