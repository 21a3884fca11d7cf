"""|δ| as the C engine sees it: summed strictly left to right, and compared as integers."""

import math

import numpy as np

LEAST = np.float32(1e-45)  # the smallest number above 0


def abs_sum(delta: np.ndarray) -> np.float32:
    """Y = Σ|δ| in float32, added in ascending stored order (NumPy's own sum is pairwise). Twin: `tp_abs_sum_f32`."""
    if delta.size == 0:
        return np.float32(0)
    with np.errstate(over="ignore"):
        return np.float32(np.add.accumulate(np.abs(delta.ravel()), dtype=np.float32)[-1])


def norm(delta: np.ndarray) -> np.float32:
    """‖δ‖₂ in float32, squares added in ascending stored order. Twin: `tp_norm_f32`."""
    if delta.size == 0:
        return np.float32(0)
    with np.errstate(over="ignore", under="ignore"):
        return np.float32(np.sqrt(np.add.accumulate(np.square(delta.ravel()), dtype=np.float32)[-1]))


def bar_of(theta: float, delta: np.ndarray) -> np.float32:
    """theta root mean squares of δ, above 0 so that no zero reaches it; NaN or infinite where the squares overflow."""
    return bar_at(bar_over_norm(theta, delta.size), delta)


def bar_at(share: np.float32, delta: np.ndarray) -> np.float32:
    """The same, `share` of δ's norm."""
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        return max(share * norm(delta), LEAST)


def bar_over_norm(theta: float, size: int) -> np.float32:
    """theta root mean squares of `size` entries, over their norm."""
    return np.float32(abs(theta) / math.sqrt(max(size, 1)))


def magnitude_bits(values: np.ndarray) -> np.ndarray:
    """|values| as the integers that the engine compares, float32 bits without the sign: NaN is the largest of all."""
    bits: np.ndarray = values.view(np.uint32) << np.uint32(1)
    return bits


def reach(delta: np.ndarray, bar: np.float32) -> np.ndarray:
    """Mask of |δ| ≥ bar, compared as the engine does."""
    mask: np.ndarray = magnitude_bits(delta) >= magnitude_bits(np.asarray(bar, np.float32))
    return mask


def relative_to_peak(y: np.float32, y_max: np.float32) -> tuple[np.float32, np.float32]:
    """(y_max after taking `y` in, y divided by it); the ratio is 0 while no error was ever seen."""
    peak = y if y > y_max else y_max
    with np.errstate(invalid="ignore"):
        return peak, (y / peak if peak > 0 else np.float32(0))
