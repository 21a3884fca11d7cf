"""One name and one colour per method, the same in every table and figure."""

from dataclasses import dataclass

from tinyprop.bench.report.canvas import Colour


@dataclass(frozen=True)
class MethodStyle:
    """How a method is called, also in the little room beside a dot, and coloured."""

    label: str
    short: str
    colour: Colour


METHOD_STYLES = {
    "full": MethodStyle("full training", "full", Colour.FULL),
    "full_zero_skip": MethodStyle("full, zeros skipped", "zeros skipped", Colour.ZERO_SKIP),
    "tinyprop_v1": MethodStyle("TinyProp v1", "TinyProp v1", Colour.V1),
    "tinyprop_v2": MethodStyle("TinyPropv2", "TinyPropv2", Colour.V2),
    "ours": MethodStyle("ours", "ours", Colour.OURS),
}


def style_of(method: str) -> MethodStyle:
    """The style of a method; one that has none yet keeps its own name and a spare colour."""
    return METHOD_STYLES.get(method, MethodStyle(method, method, Colour.SPARE))
