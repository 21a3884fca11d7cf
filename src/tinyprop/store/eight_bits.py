"""A value in 8 bits: the nearest of 256 steps between low and high. float32 throughout, as in tp_buffer.c."""

import numpy as np

STEPS = np.float32(255)


def codes_of(x: np.ndarray, low: np.float32, high: np.float32) -> np.ndarray:
    """x, any shape, float32 → uint8; what lies beyond low or high becomes the nearer of the two."""
    scale = STEPS / (high - low)
    return ((np.clip(x, low, high) - low) * scale + np.float32(0.5)).astype(np.uint8)


def values_of(codes: np.ndarray, low: np.float32, high: np.float32) -> np.ndarray:
    """uint8 → float32: within half a step, (high - low) / 510, of what was stored, but for float32's rounding."""
    step = (high - low) / STEPS
    values: np.ndarray = low + codes.astype(np.float32) * step
    return values
