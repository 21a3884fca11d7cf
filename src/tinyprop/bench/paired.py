"""The difference between two methods that were run with the same seeds."""

from collections.abc import Sequence

import numpy as np

from tinyprop.bench.interval import half_interval


def paired_difference(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    """Mean of ours − theirs, seed by seed, and half of its 95 % interval by Student's t; 0 where there is one seed."""
    apart = np.subtract(ours, theirs).tolist()
    return float(np.mean(apart)), half_interval(apart) or 0.0
