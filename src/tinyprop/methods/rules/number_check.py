"""Checks that every rule makes of its settings when it is constructed."""

import math

from tinyprop.errors import UserError


def require_fraction(rule: str, name: str, value: float) -> None:
    """Raises UserError unless 0 ≤ value ≤ 1."""
    if not 0.0 <= value <= 1.0:
        raise UserError(f"{rule} was given {name}={value!r}, which is no fraction: choose a number from 0 to 1.")


def require_non_negative(rule: str, name: str, value: float) -> None:
    """Raises UserError unless `value` is finite and ≥ 0."""
    if not (math.isfinite(value) and value >= 0.0):
        raise UserError(f"{rule} was given {name}={value!r}, which cannot be: choose a finite number of 0 or more.")


def require_count(rule: str, name: str, value: int) -> None:
    """Raises UserError unless `value` is an integer ≥ 0."""
    if not isinstance(value, int) or value < 0:
        raise UserError(f"{rule} was given {name}={value!r}, which cannot be: choose a whole number of 0 or more.")
