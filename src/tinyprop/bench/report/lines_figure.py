"""Something that grows with the samples seen: one line per method, its interval as a band."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from tinyprop.bench.report.canvas import Colour, new_axes, page_style, svg_of
from tinyprop.bench.report.side_labels import SideLabel, height_for, write_labels

_HEIGHT = 240


@dataclass(frozen=True)
class Line:
    """x, y (P,); half (P,): half of the interval at each point, None where nothing is known of it."""

    text: str
    colour: Colour
    x: np.ndarray
    y: np.ndarray
    half: np.ndarray | None
    dashed: bool = False


@page_style()
def lines_figure(lines: Sequence[Line], xlabel: str, description: str, *, level: float | None = None) -> str:
    """The lines as an SVG, named at the right in the order of where they end. level: a height to mark all along."""
    figure, (axes,) = new_axes(height_for(len(lines), _HEIGHT))
    for line in lines:
        if line.half is not None:
            axes.fill_between(
                line.x, line.y - line.half, line.y + line.half, color=line.colour, alpha=0.08, linewidth=0
            )
    for line in lines:
        dashes = (0, (3, 1.5)) if line.dashed else "-"
        axes.plot(line.x, line.y, color=line.colour, linewidth=1.4, linestyle=dashes)
    if level is not None:
        axes.axhline(level, color=Colour.MUTED, linewidth=1.0, linestyle=(0, (1, 2)), zorder=1)
    _scale(axes, lines)
    axes.set_xlabel(xlabel)
    write_labels(figure, axes, [SideLabel(line.text, line.colour, float(line.y[-1])) for line in lines])
    return svg_of(figure, description)


def _scale(axes: Axes, lines: Sequence[Line]) -> None:
    low, high = min(float(line.y.min()) for line in lines), max(float(line.y.max()) for line in lines)
    margin = max(0.5, 0.06 * (high - low))
    axes.set_ylim(low - margin, high + margin)
    axes.set_xlim(min(float(line.x[0]) for line in lines), max(float(line.x[-1]) for line in lines))
    axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.grid(axis="y", color=Colour.GRID, linewidth=0.6)
    axes.spines["left"].set_visible(False)
    axes.tick_params(length=0, which="both")
    axes.set_axisbelow(True)
