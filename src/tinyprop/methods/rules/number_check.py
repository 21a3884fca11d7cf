"""Checks that rules and optimizers make of their settings when they are constructed."""

import math
from typing import Any

import numpy as np

from tinyprop.errors import UserError


def require_fraction(rule: str, name: str, value: float) -> None:
    """Raises UserError unless 0 ≤ value ≤ 1."""
    if not 0.0 <= as_float32(value) <= 1.0:
        raise UserError(f"{rule} was given {name}={value!r}, which is no fraction: choose a number from 0 to 1.")


def require_non_negative(rule: str, name: str, value: float) -> None:
    """Raises UserError unless `value` is finite and ≥ 0."""
    if not as_float32(value) >= 0.0:
        raise UserError(f"{rule} was given {name}={value!r}, which cannot be: choose a finite number of 0 or more.")


def require_count(rule: str, name: str, value: int) -> None:
    """Raises UserError unless `value` is an integer ≥ 0."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise UserError(f"{rule} was given {name}={value!r}, which cannot be: choose a whole number of 0 or more.")


def as_float32(value: Any) -> float:
    """`value` as the engine will have it, or NaN, which no range holds, where it is no number or too large."""
    if not isinstance(value, (int, float, np.integer, np.floating)) or isinstance(value, bool):
        return math.nan
    return float(np.float32(value)) if abs(float(value)) <= float(np.finfo(np.float32).max) else math.nan
