"""One name and one colour per method, the same in every table and figure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import cycle

from tinyprop.bench.report.canvas import Colour
from tinyprop.methods import METHODS


@dataclass(frozen=True)
class MethodStyle:
    """label: the method's title; short: the same where only a dot's neighbourhood is free.

    dashed: whether its line is; tells it from the one that had the colour first.
    """

    label: str
    short: str
    colour: Colour
    dashed: bool = False


_SHORT_AND_COLOUR = {
    "full": ("full", Colour.FULL),
    "full_zero_skip": ("zeros skipped", Colour.ZERO_SKIP),
    "tinyprop_v1": ("TinyProp v1", Colour.V1),
    "tinyprop_v2": ("TinyPropv2", Colour.V2),
    "ours": ("ours", Colour.OURS),
}
_SPARE = (Colour.SPARE, Colour.SPARE_2, Colour.SPARE_3, Colour.SPARE_4, Colour.SPARE_5)
_LONGEST = 14  # letters of a short name


def style_of(method: str) -> MethodStyle:
    """The style of a method; one that has none yet keeps its own name and a spare colour."""
    return styles_of([method])[method]


def styles_of(names: Iterable[str]) -> Mapping[str, MethodStyle]:
    """The style of each; those that have none yet keep their own names and share out the spare colours in order."""
    spare = cycle((colour, dashed) for dashed in (False, True) for colour in _SPARE)
    return {name: _known(name) if name in _SHORT_AND_COLOUR else _other(name, *next(spare)) for name in names}


def _known(name: str) -> MethodStyle:
    return MethodStyle(METHODS[name].title, *_SHORT_AND_COLOUR[name])


def _other(name: str, colour: Colour, dashed: bool) -> MethodStyle:
    short = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
    return MethodStyle(METHODS[name].title if name in METHODS else name, short, colour, dashed)
