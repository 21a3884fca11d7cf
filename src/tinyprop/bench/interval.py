"""How far a mean may be off."""

from collections.abc import Sequence

from scipy import stats


def half_interval(values: Sequence[float]) -> float | None:
    """Half of the 95 % interval of their mean, by Student's t; None where one value says nothing of it."""
    return float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)) if len(values) > 1 else None
