"""k per layer over time: what share of each layer's error was worth computing."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from tinyprop.bench.report.canvas import Colour, new_axes, page_style, svg_of
from tinyprop.bench.report.method_style import style_of
from tinyprop.bench.report.records import KeptHistory

_STRIP_HEIGHT = 68
_POINTS = 400  # per line: more than a screen shows
_WINDOWS = 40  # a run is smoothed over a fortieth of its steps: trends stay, single samples go


@page_style()
def kept_figure(history: KeptHistory) -> str:
    """One strip per trainable layer, input at the top, as an SVG; a skipped step counts as k = 0."""
    count = len(history.layers)
    height = count * _STRIP_HEIGHT + 50
    figure, strips = new_axes(height, rows=count)
    figure.subplots_adjust(left=0.03, right=0.83, top=1 - 20 / height, bottom=42 / height, hspace=0.6)
    window = max(1, len(history.kept) // _WINDOWS)
    for index, axes in enumerate(strips):
        share = moving_mean(history.kept[:, index] / history.n[index], window)
        _strip(axes, share, style_of(history.method).colour)
        title = f"{history.layers[index]}  (n = {history.n[index]:,})"
        axes.set_title(title, loc="left", fontsize=12, color=Colour.INK, pad=3)
    strips[-1].set_xlabel(f"training step (mean of {window:,} steps)" if window > 1 else "training step")
    strips[-1].xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
    return svg_of(figure, f"Share of errors kept per layer over time, {history.method}, {history.model}")


def moving_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Mean of the last `window` values at each step, of fewer at the start. values (N,) → (N,) float64."""
    total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    end = np.arange(1, len(values) + 1)
    start = np.maximum(end - window, 0)
    return (total[end] - total[start]) / (end - start)


def _strip(axes: Axes, share: np.ndarray, colour: Colour) -> None:
    steps = np.arange(1, len(share) + 1)
    top = max(float(share.max(initial=0.0)) * 1.08, 1e-3)
    shown = slice(None, None, max(1, len(share) // _POINTS))
    axes.fill_between(steps[shown], share[shown], color=colour, alpha=0.18, linewidth=0)
    axes.plot(steps[shown], share[shown], color=colour, linewidth=1.3)
    axes.set_ylim(0, top)
    axes.set_xlim(1, max(len(share), 2))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.tick_params(length=0)
    last = float(share[-1]) if len(share) else 0.0
    axes.annotate(
        f"{100 * last:.1f} %", xy=(1.02, min(last / top, 0.9)), xycoords="axes fraction", va="center", color=colour
    )
    peak = float(share.max(initial=0.0))
    axes.annotate(
        f"max {100 * peak:.0f} %" if peak >= 0.1 else f"max {100 * peak:.1f} %",
        xy=(1.0, 1.0), xytext=(0, 3), xycoords="axes fraction", textcoords="offset points",
        ha="right", va="bottom", fontsize=11, color=Colour.MUTED,
    )  # fmt: skip
