"""A front as a picture: accuracy against what it costs."""

import io
from collections.abc import Sequence

from tinyprop.bench.tuning.candidate import Candidate
from tinyprop.bench.tuning.objectives import OBJECTIVES
from tinyprop.bench.tuning.search import Search
from tinyprop.errors import UserError

try:
    import matplotlib
    from matplotlib.figure import Figure
except ModuleNotFoundError as missing:
    raise UserError("the picture needs matplotlib, which is not installed: pip install 'tinyprop[demo]'.") from missing

STYLE = {"axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "tinyprop", "font.size": 10}
TRIED, FRONT = "#999999", "#0072b2"


def figure(
    search: Search, candidates: Sequence[Candidate], front: Sequence[Candidate], chosen: Candidate, kind: str
) -> bytes:
    """One panel for each objective but accuracy. kind: "png" or "svg"."""
    costs = [name for name in search.objectives if name != "accuracy"] or ["effort_total"]
    with matplotlib.rc_context(STYLE):  # type: ignore[arg-type]
        drawing = Figure(figsize=(4.4 * len(costs), 3.4), layout="constrained")
        panels = drawing.subplots(1, len(costs), squeeze=False, sharey=True)[0]
        for axes, cost in zip(panels, costs, strict=True):
            for group, colour, mark, label in (
                (candidates, TRIED, ".", "tried"),
                (front, FRONT, "o", "front"),
                ((chosen,), FRONT, "*", "chosen"),
            ):
                size = 14 if mark == "*" else None
                x = [getattr(one, cost) for one in group]
                axes.plot(x, [one.accuracy for one in group], mark, color=colour, label=label, markersize=size)
            axes.set_xlabel(OBJECTIVES[cost].title)
        panels[0].set_ylabel(OBJECTIVES["accuracy"].title)
        panels[0].legend(fontsize=8, frameon=False, loc="lower right")
        drawing.suptitle(f"{search.method} · {search.network} · {', '.join(search.scenarios)}", fontsize=10)
        content = io.BytesIO()
        metadata = {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
        drawing.savefig(content, format=kind, dpi=110, metadata=metadata)
    return content.getvalue()
