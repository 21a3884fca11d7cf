"""What was tried, and what it came to on the validation part."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    """number: of the trial. trainable: a word of `tinyprop.CHOICES`, None for everything.

    Means over scenarios and seeds: accuracy, percent of the validation part; effort_bwd, effort_total, multiply-adds
    over those of plain full training; ram_bytes, of the plan.
    """

    number: int
    settings: Mapping[str, float]
    rate: float
    trainable: str | None
    accuracy: float
    effort_bwd: float
    effort_total: float
    ram_bytes: float
