"""The difference between two methods that were run with the same seeds."""

from collections.abc import Sequence

import numpy as np
from scipy import stats


def paired_difference(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    """Mean of ours − theirs, seed by seed, and half of its 95 % interval by Student's t; 0 where there is one seed."""
    apart = np.subtract(ours, theirs)
    if len(apart) < 2:
        return float(apart.mean()), 0.0
    return float(apart.mean()), float(stats.t.ppf(0.975, len(apart) - 1) * stats.sem(apart))
