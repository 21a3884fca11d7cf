"""What a method reaches against its effort: a filled dot for the backward pass, an open one for the whole step."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from tinyprop.bench.report.canvas import Colour, new_axes, page_style, svg_of
from tinyprop.bench.report.side_labels import SideLabel, height_for, write_labels

_HEIGHT = 240
_TICKS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1)
_EDGE = 0.04  # of the height of the axes: where the triangles are
_LEAST = 1e-3  # effort, on a logarithmic axis


@dataclass(frozen=True)
class Mark:
    """A method. y: what it reaches, half: half the length of the line through its dot, both in the unit of the figure;
    bwd, total: its effort. text: its label, with the value."""

    text: str
    colour: Colour
    y: float
    half: float
    bwd: float
    total: float


@page_style()
def effort_figure(marks: Sequence[Mark], description: str, *, floor: float = -np.inf, front: bool = False) -> str:
    """The marks as an SVG. floor: a mark below it is drawn as a triangle at the lower edge, so that the others stay
    apart. front: whether those that no other mark beats in both backward effort and y are joined by a line."""
    figure, (axes,) = new_axes(height_for(len(marks), _HEIGHT))
    shown = [mark for mark in marks if mark.y >= floor] or list(marks)
    _scale(axes, marks, shown)
    if front:
        _front(axes, marks)
    for mark in marks:
        _draw(axes, mark, below=mark not in shown)
    write_labels(figure, axes, [SideLabel(mark.text, mark.colour, mark.y) for mark in marks])
    return svg_of(figure, description)


def on_front(marks: Sequence[Mark]) -> tuple[Mark, ...]:
    """Those that no other beats: less backward effort and as good, or better at the same; by effort."""
    best, found = -np.inf, []
    for mark in sorted(marks, key=lambda mark: (mark.bwd, -mark.y)):
        if mark.y > best:
            best = mark.y
            found.append(mark)
    return tuple(found)


def _scale(axes: Axes, marks: Sequence[Mark], shown: Sequence[Mark]) -> None:
    low = min(mark.y - mark.half for mark in shown)
    high = max(mark.y + mark.half for mark in shown)
    margin = max(0.5, 0.12 * (high - low))
    axes.set_ylim(low - margin, high + margin)
    axes.set_xscale("log")
    axes.set_xlim(min(0.02, 0.7 * min(max(mark.bwd, _LEAST) for mark in marks)), 1.3)
    axes.xaxis.set_major_locator(FixedLocator(_TICKS))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(axis="y", color=Colour.GRID, linewidth=0.6)
    axes.spines["left"].set_visible(False)
    axes.tick_params(length=0, which="both")
    axes.set_axisbelow(True)
    axes.set_xlabel("effort, full training = 1")


def _front(axes: Axes, marks: Sequence[Mark]) -> None:
    """Steps: what can be had for at most that effort."""
    front = on_front(marks)
    x = [*(max(mark.bwd, _LEAST) for mark in front), axes.get_xlim()[1]]
    y = [*(mark.y for mark in front), front[-1].y]
    axes.step(x, y, where="post", color=Colour.MUTED, linewidth=1.0, linestyle=(0, (1, 2)), zorder=1)


def _draw(axes: Axes, mark: Mark, *, below: bool) -> None:
    colour, bwd, total = mark.colour, max(mark.bwd, _LEAST), max(mark.total, _LEAST)
    if below:
        low, high = axes.get_ylim()
        edge = low + _EDGE * (high - low)
        axes.plot([bwd, total], [edge, edge], color=colour, linewidth=1.2, zorder=2)
        axes.plot(total, edge, "v", color=colour, markerfacecolor=Colour.PAPER, markersize=7, zorder=3)
        axes.plot(bwd, edge, "v", color=colour, markersize=7, zorder=4)
        return
    axes.plot([bwd, total], [mark.y, mark.y], color=colour, linewidth=1.2, zorder=2)
    axes.plot([bwd, bwd], [mark.y - mark.half, mark.y + mark.half], color=colour, linewidth=1.2, zorder=2)
    axes.plot(total, mark.y, "o", color=colour, markerfacecolor=Colour.PAPER, markersize=6, zorder=3)
    axes.plot(bwd, mark.y, "o", color=colour, markersize=6, zorder=4)
