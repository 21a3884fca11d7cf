"""A share of a batch, and the bar of the loss by which exactly that share is skipped."""

import numpy as np


def samples_in(percent: int, batch: int) -> int:
    """That share of a batch, rounded up to whole samples."""
    return -(-percent * batch // 100)


def tau_that_skips(count: int, losses: np.ndarray) -> float:
    """Half way between the losses (N,) of the last sample that is skipped and of the first that is trained on."""
    skipped, trained = np.sort(losses.astype(np.float64))[count - 1 : count + 1]
    return float((skipped + trained) / 2)
