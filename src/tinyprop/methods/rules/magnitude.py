"""|δ| as the C engine sees it: summed strictly left to right, and compared as integers."""

import numpy as np


def abs_sum(delta: np.ndarray) -> np.float32:
    """Y = Σ|δ| in float32, added in ascending stored order (NumPy's own sum is pairwise). Twin: `tp_abs_sum_f32`."""
    if delta.size == 0:
        return np.float32(0)
    with np.errstate(over="ignore"):
        return np.float32(np.add.accumulate(np.abs(delta.ravel()), dtype=np.float32)[-1])


def relative_to_peak(y: np.float32, y_max: np.float32) -> tuple[np.float32, np.float32]:
    """(y_max after taking `y` in, y divided by it); the ratio is 0 while no error was ever seen."""
    peak = y if y > y_max else y_max
    with np.errstate(invalid="ignore"):
        return peak, (y / peak if peak > 0 else np.float32(0))
