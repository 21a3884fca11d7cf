"""Shares between 0 and 1 over time: one strip for each layer, one line or several in each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from tinyprop.bench.report.canvas import Colour, new_axes, page_style, svg_of
from tinyprop.bench.report.spread import apart_within

_STRIP_HEIGHT = 68
_SPACE = 26  # of it between strips, for the title
_VALUE = 15  # height of a value at the end of a line
_MOST_VALUES = 6  # with more lines in a strip than this there is no room for them
_POINTS = 400  # per line: more than a screen shows


@dataclass(frozen=True)
class Share:
    """A line. steps, share (P,): up to which training step, and what share was kept."""

    colour: Colour
    steps: np.ndarray
    share: np.ndarray


@dataclass(frozen=True)
class Strip:
    """A strip, with at least one line."""

    title: str
    lines: tuple[Share, ...]


@page_style()
def strips_figure(strips: Sequence[Strip], xlabel: str, description: str) -> str:
    """The strips over one another as an SVG, each scaled to its own maximum, the last value of a line at its end."""
    lines = max(len(strip.lines) for strip in strips)
    strip_height = max(_STRIP_HEIGHT, _SPACE + _VALUE * lines if lines <= _MOST_VALUES else 0)
    height = len(strips) * strip_height + 50
    figure, panels = new_axes(height, rows=len(strips))
    gap = _SPACE / (strip_height - _SPACE)
    figure.subplots_adjust(left=0.03, right=0.83, top=1 - 20 / height, bottom=42 / height, hspace=gap)
    for axes, strip in zip(panels, strips, strict=True):
        top = _draw(axes, strip.lines)
        if len(strip.lines) <= _MOST_VALUES:
            _values(axes, strip.lines, top, _VALUE / (strip_height - _SPACE))
        axes.set_title(strip.title, loc="left", fontsize=12, color=Colour.INK, pad=3)
    panels[-1].set_xlabel(xlabel)
    panels[-1].xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
    return svg_of(figure, description)


def _draw(axes: Axes, lines: Sequence[Share]) -> float:
    """The upper end of the axis."""
    peak = max(float(line.share.max(initial=0.0)) for line in lines)
    top = max(peak * 1.08, 1e-3)
    for line in lines:
        shown = slice(None, None, max(1, len(line.share) // _POINTS))
        steps, share = line.steps[shown], line.share[shown]
        if len(lines) == 1:
            axes.fill_between(steps, share, color=line.colour, alpha=0.18, linewidth=0)
        axes.plot(steps, share, color=line.colour, linewidth=1.3)
    axes.set_ylim(0, top)
    first = min(float(line.steps.min(initial=1)) for line in lines)
    axes.set_xlim(first, max(first + 1, *(float(line.steps.max(initial=2)) for line in lines)))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.tick_params(length=0)
    axes.annotate(
        f"max {100 * peak:.0f} %" if peak >= 0.1 else f"max {100 * peak:.1f} %",
        xy=(1.0, 1.0), xytext=(0, 3), xycoords="axes fraction", textcoords="offset points",
        ha="right", va="bottom", fontsize=11, color=Colour.MUTED,
    )  # fmt: skip
    return top


def _values(axes: Axes, lines: Sequence[Share], top: float, gap: float) -> None:
    """What each line ends at, to its right. gap: from one to the next, of the strip's height."""
    last = np.array([float(line.share[-1]) if len(line.share) else 0.0 for line in lines])
    for line, value, at in zip(lines, last, apart_within(np.minimum(last / top, 0.9), gap), strict=True):
        axes.annotate(f"{100 * value:.1f} %", xy=(1.02, at), xycoords="axes fraction", va="center", color=line.colour)
