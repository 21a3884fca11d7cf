"""Where the instructions of a training step go: one bar per method, one piece per C function."""

from collections.abc import Mapping
from dataclasses import dataclass

from matplotlib.axes import Axes

from tinyprop.bench.report.canvas import Colour, new_axes, page_style, svg_of
from tinyprop.bench.report.demo.records import InstructionSplit
from tinyprop.bench.report.method_style import style_of

_SMALL = 0.02  # of the longest bar: below it a piece could not be seen, and joins the rest of its phase
_SHADES = (1.0, 0.72, 0.5, 0.34, 0.22)


@dataclass(frozen=True)
class Phase:
    """A part of the training step, and the words in a C function's name that place it there.

    rest: what its small functions are called together.
    """

    name: str
    rest: str
    colour: Colour
    words: tuple[str, ...]


SELECTION = Phase("selection", "other selection", Colour.SELECTION, ("select", "keep", "skip", "abs_sum", "compact"))
BACKWARD = Phase("backward and update", "other backward", Colour.BACKWARD, ("bwd", "update", "error"))
FORWARD = Phase("forward and loss", "other forward", Colour.FORWARD, ("fwd", "softmax", "argmax", "expf", "logf"))
REST = Phase("everything else", "everything else", Colour.OTHER, ("",))

_ASKED = (SELECTION, BACKWARD, FORWARD, REST)  # the first one with a matching word has the function
_DRAWN = (FORWARD, BACKWARD, SELECTION, REST)  # in the order in which a step runs


@dataclass(frozen=True)
class Piece:
    """One colour of the bars and its line in the key. opacity: tells the functions of a phase apart."""

    name: str
    colour: Colour
    opacity: float


Key = tuple[tuple[str, tuple[Piece, ...]], ...]  # (phase, its pieces) in drawn order


@dataclass(frozen=True)
class InstructionFigure:
    """The drawing and the key to its colours."""

    svg: str
    key: Key


def phase_of(function: str) -> Phase:
    """The phase a C function belongs to, by its name."""
    return next(phase for phase in _ASKED if any(word in function for word in phase.words))


@page_style()
def instructions_figure(split: InstructionSplit) -> InstructionFigure:
    """Stacked bars, in thousand instructions per step, with the total at the end of each."""
    longest = max(sum(functions.values()) for functions in split.by_method.values())
    bars = {method: _merged(functions, split, longest) for method, functions in split.by_method.items()}
    key = tuple((phase.name, pieces) for phase in _DRAWN if (pieces := _pieces(phase, bars)))
    figure, (axes,) = new_axes(40 * len(bars) + 12)
    figure.subplots_adjust(left=0.01, right=0.8, top=0.99, bottom=0.02)
    _draw(axes, bars, key)
    svg = svg_of(figure, f"Instructions per training step by function, {split.model}, {split.scenario}")
    return InstructionFigure(svg, key)


def _merged(functions: Mapping[str, float], split: InstructionSplit, longest: float) -> dict[str, float]:
    """The functions of a bar, those that are small in every bar joined to one rest per phase."""
    bar: dict[str, float] = {}
    for function, count in functions.items():
        largest = max(other.get(function, 0.0) for other in split.by_method.values())
        name = function if largest >= _SMALL * longest else phase_of(function).rest
        bar[name] = bar.get(name, 0.0) + count
    return bar


def _pieces(phase: Phase, bars: Mapping[str, Mapping[str, float]]) -> tuple[Piece, ...]:
    """A phase's functions over all bars, largest first and darkest first, then its rest."""
    rests = {phase.rest for phase in _DRAWN}
    largest: dict[str, float] = {}
    for bar in bars.values():
        for name, count in bar.items():
            if name == phase.rest or (name not in rests and phase_of(name) is phase):
                largest[name] = max(largest.get(name, 0.0), count)
    names = sorted(largest, key=lambda name: (name == phase.rest, -largest[name], name))
    return tuple(Piece(name, phase.colour, _SHADES[min(i, len(_SHADES) - 1)]) for i, name in enumerate(names))


def _draw(axes: Axes, bars: Mapping[str, Mapping[str, float]], key: Key) -> None:
    for line, (method, bar) in enumerate(bars.items()):
        left = 0.0
        for piece in (piece for _, pieces in key for piece in pieces):
            width = bar.get(piece.name, 0.0) / 1000
            axes.barh(
                line, width, left=left, height=0.46, color=piece.colour, alpha=piece.opacity,
                edgecolor=Colour.PAPER, linewidth=0.8,
            )  # fmt: skip
            left += width
        style = style_of(method)
        axes.annotate(
            style.label, (0, line), xytext=(0, 9), textcoords="offset points", va="bottom", color=style.colour
        )
        axes.annotate(f"{left:,.1f} k", (left, line), xytext=(5, 0), textcoords="offset points", va="center")
    axes.set_ylim(len(bars) - 0.6, -0.85)
    axes.set_xlim(0, None)
    axes.margins(x=0)
    axes.set_axis_off()
