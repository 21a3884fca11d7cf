"""Instructions of backward kernels against k, as a picture."""

import io
from collections.abc import Sequence
from typing import Any

from tinyprop.bench.kernels.sweeps import Curve
from tinyprop.errors import UserError

try:
    import matplotlib
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
except ModuleNotFoundError as missing:
    raise UserError("the picture needs matplotlib, which is not installed: pip install 'tinyprop[demo]'.") from missing

COLOURS = {"zig": "#0072b2", "gcc": "#d55e00"}  # Okabe and Ito: told apart by colour-blind readers too
STYLE: dict[Any, Any] = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "tinyprop",
    "font.size": 10,
}


def picture(curves: Sequence[Curve], kind: str) -> bytes:
    """One panel per kernel, one line per compiler, the fitted line dashed. kind: "png" or "svg"."""
    kernels = list(dict.fromkeys((one.title, one.size) for one in curves))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(4.2 * len(kernels), 3.4), layout="constrained")
        panels = figure.subplots(1, len(kernels), squeeze=False)[0]
        for axes, kernel in zip(panels, kernels, strict=True):
            _draw(axes, [one for one in curves if (one.title, one.size) == kernel])
        panels[0].set_ylabel("thousand instructions, Cortex-M4F")
        content = io.BytesIO()
        figure.savefig(content, format=kind, dpi=110, metadata=_metadata(kind))
    return content.getvalue()


def _draw(axes: Axes, curves: Sequence[Curve]) -> None:
    for one in curves:
        colour = COLOURS[one.toolchain]
        axes.plot(one.kept, [count / 1e3 for count in one.instructions], ".", color=colour, label=one.toolchain)
        ends = (0, one.fitted_up_to)
        label = f"R² = {one.r_squared:.4f} up to k = {one.fitted_up_to}"
        axes.plot(ends, [(one.intercept + one.slope * k) / 1e3 for k in ends], "--", color=colour, label=label)
    axes.set_title(f"{curves[0].title}\n{curves[0].size}", fontsize=10)
    axes.set_xlabel("k: kept entries of δ")
    axes.set_ylim(0, None)
    axes.set_xlim(0, None)
    axes.legend(fontsize=8, frameon=False, loc="lower right")


def _metadata(kind: str) -> dict[str, None]:
    """Nothing that differs from run to run."""
    return {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
