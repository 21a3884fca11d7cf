"""Matplotlib drawings that become part of the page: its fonts, and its colours for light and dark."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from html import escape
from typing import Any

from tinyprop.errors import UserError

try:
    import matplotlib
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
except ModuleNotFoundError as missing:
    raise UserError("the report needs matplotlib, which is not installed: pip install 'tinyprop[demo]'.") from missing


class Colour(StrEnum):
    """Stand-ins that matplotlib paints with; in the finished SVG each is a CSS variable of the page (`--ink` …)."""

    INK = "#010001"
    MUTED = "#010002"
    GRID = "#010003"
    PAPER = "#010004"
    FULL = "#010005"
    ZERO_SKIP = "#010006"
    V1 = "#010007"
    V2 = "#010008"
    OURS = "#010009"
    SPARE = "#01000a"
    FORWARD = "#01000b"
    BACKWARD = "#01000c"
    SELECTION = "#01000d"
    OTHER = "#01000e"
    SPARE_2 = "#01000f"
    SPARE_3 = "#010010"
    SPARE_4 = "#010011"
    SPARE_5 = "#010012"

    @property
    def css(self) -> str:
        """The page's name for the colour."""
        return f"var(--{self.name.lower().replace('_', '-')})"


_RC: dict[Any, Any] = {
    "font.size": 12,
    "svg.fonttype": "none",  # text stays text: selectable, and in the page's own font
    "svg.hashsalt": "tinyprop",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": Colour.GRID,
    "axes.labelcolor": Colour.MUTED,
    "xtick.color": Colour.GRID,
    "ytick.color": Colour.GRID,
    "xtick.labelcolor": Colour.MUTED,
    "ytick.labelcolor": Colour.MUTED,
    "text.color": Colour.INK,
}
WIDTH = 328  # points: what a narrow phone, of 360, leaves between the margins; a drawing is never scaled down


@contextmanager
def page_style() -> Iterator[None]:
    """Decorates every function that draws: what is drawn within looks like the page."""
    with matplotlib.rc_context(_RC):
        yield


def new_axes(height: float, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """An empty drawing of WIDTH × `height` points with `rows` axes over one another, sharing x."""
    figure = Figure(figsize=(WIDTH / 72, height / 72))
    return figure, list(figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0])


def svg_of(figure: Figure, description: str) -> str:
    """The drawing as one `<svg>` element that scales with its container. description: for those who cannot see it."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*"', "<g", text)  # ids would clash between the drawings of one page
    text = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", text)
    for colour in Colour:
        text = text.replace(colour.value, colour.css)
    head, body = text.split(">", 1)
    head = re.sub(r' (width|height|xmlns:xlink|xmlns|version)="[^"]*"', "", head)
    return f'{head} role="img" aria-label="{escape(description)}">{body}'
