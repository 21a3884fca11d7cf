"""Python values as exact C text."""

import numpy as np


def c_float(value: float | np.floating) -> str:
    """The float32 nearest to `value` as a hexadecimal literal: every bit survives, whatever compiler reads it."""
    return f"{float(np.float32(value)).hex()}f"


def c_uint(value: int) -> str:
    """An unsigned integer literal."""
    return f"{int(value)}U"


def c_flag(condition: bool) -> str:
    """1 or 0."""
    return "1" if condition else "0"


def c_struct(type_name: str, *values: int) -> str:
    """A compound literal of unsigned integers."""
    return f"(({type_name}){{{', '.join(map(str, values))}}})"
