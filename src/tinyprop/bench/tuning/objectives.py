"""What settings are searched for: one table, name → which way is better and how it is shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Objective:
    """direction: as Optuna calls it. title: for tables and axes. shown: a format of the value."""

    direction: str
    title: str
    shown: str


# Name → objective; each name is a field of Candidate.
OBJECTIVES: Mapping[str, Objective] = MappingProxyType(
    {
        "accuracy": Objective("maximize", "accuracy, % of validation", "{:.1f}"),
        "effort_bwd": Objective("minimize", "effort, backward", "{:.3f}"),
        "effort_total": Objective("minimize", "effort, in all", "{:.3f}"),
        "ram_bytes": Objective("minimize", "RAM, bytes", "{:,.0f}"),
    }
)
DEFAULT = ("accuracy", "effort_total", "ram_bytes")
