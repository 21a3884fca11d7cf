"""One name and one colour per method, the same in every table and figure."""

from dataclasses import dataclass

from tinyprop.bench.report.canvas import Colour
from tinyprop.methods import METHODS


@dataclass(frozen=True)
class MethodStyle:
    """label: the method's title; short: the same where only a dot's neighbourhood is free."""

    label: str
    short: str
    colour: Colour


_SHORT_AND_COLOUR = {
    "full": ("full", Colour.FULL),
    "full_zero_skip": ("zeros skipped", Colour.ZERO_SKIP),
    "tinyprop_v1": ("TinyProp v1", Colour.V1),
    "tinyprop_v2": ("TinyPropv2", Colour.V2),
    "ours": ("ours", Colour.OURS),
}


def style_of(method: str) -> MethodStyle:
    """The style of a method; one that has none yet keeps its own name and a spare colour."""
    short, colour = _SHORT_AND_COLOUR.get(method, (method, Colour.SPARE))
    return MethodStyle(METHODS[method].title if method in METHODS else method, short, colour)
