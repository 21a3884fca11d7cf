"""Where to look for a good value of a setting."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Range:
    """low … high, both included. log: factors matter, not differences; low > 0 then. whole: counts only."""

    low: float
    high: float
    log: bool = False
    whole: bool = False
