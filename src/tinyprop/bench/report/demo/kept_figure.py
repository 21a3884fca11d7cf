"""k per layer over time: what share of each layer's error was worth computing."""

import numpy as np

from tinyprop.bench.report.demo.records import KeptHistory
from tinyprop.bench.report.method_style import style_of
from tinyprop.bench.report.strips_figure import Share, Strip, strips_figure

_WINDOWS = 40  # a run is smoothed over a fortieth of its steps: trends stay, single samples go


def kept_figure(history: KeptHistory) -> str:
    """One strip per trainable layer, input at the top, as an SVG; a skipped step counts as k = 0."""
    window = max(1, len(history.kept) // _WINDOWS)
    steps = np.arange(1, len(history.kept) + 1)
    colour = style_of(history.method).colour
    strips = [
        Strip(f"{layer}  (n = {n:,})", (Share(colour, steps, moving_mean(history.kept[:, index] / n, window)),))
        for index, (layer, n) in enumerate(zip(history.layers, history.n, strict=True))
    ]
    xlabel = f"training step (mean of {window:,} steps)" if window > 1 else "training step"
    return strips_figure(strips, xlabel, f"Share of errors kept per layer over time, {history.method}, {history.model}")


def moving_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Mean of the last `window` values at each step, of fewer at the start. values (N,) → (N,) float64."""
    total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    end = np.arange(1, len(values) + 1)
    start = np.maximum(end - window, 0)
    return (total[end] - total[start]) / (end - start)
