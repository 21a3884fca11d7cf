"""Names of points and lines, written to the right of a drawing's axes and led to by thin lines."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tinyprop.bench.report.canvas import Colour
from tinyprop.bench.report.spread import apart_within

_LINE = 18.0  # points from one label to the next
_AXIS = 43.0  # points below the axes, for ticks and title
_TOP = 7.0
LEFT, RIGHT = 0.11, 0.57  # of the drawing's width: what the axes take


@dataclass(frozen=True)
class SideLabel:
    """y: of what it names, in the units of the axis; outside of them it is led to their edge."""

    text: str
    colour: Colour
    y: float


def height_for(labels: int, least: float) -> float:
    """Points that a drawing with so many labels needs, `least` at least."""
    return max(least, labels * _LINE + _AXIS + _TOP)


def write_labels(figure: Figure, axes: Axes, labels: Sequence[SideLabel]) -> None:
    """Makes room at the right of `axes`, all there is in `figure`, and writes there; the limits must be final."""
    height = 72 * figure.get_size_inches()[1]
    figure.subplots_adjust(left=LEFT, right=RIGHT, top=1 - _TOP / height, bottom=_AXIS / height)
    low, high = axes.get_ylim()
    at = np.clip([(label.y - low) / (high - low) for label in labels], 0.0, 1.0)
    gap = _LINE / (height - _AXIS - _TOP)
    for label, height_at, text_at in zip(labels, at, apart_within(at, gap), strict=True):
        axes.annotate(
            label.text,
            xy=(1.0, height_at),
            xytext=(1.09, text_at),
            xycoords="axes fraction",
            textcoords="axes fraction",
            va="center",
            color=label.colour,
            arrowprops=_leader(label.colour),
        )


def _leader(colour: Colour) -> dict[str, object]:
    """A thin line from the edge of the axes to the left of a label."""
    return {"arrowstyle": "-", "color": colour, "linewidth": 0.7, "relpos": (0, 0.5), "shrinkA": 2, "shrinkB": 0}
