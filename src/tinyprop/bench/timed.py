"""What rounds of timing come to."""

import numpy as np


class Timed:
    """For records with `microseconds`: per step, one figure per round."""

    microseconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Microseconds per step: half of the rounds were faster."""
        return float(np.median(self.microseconds))

    @property
    def spread(self) -> tuple[float, float]:
        """Microseconds per step that a tenth of the rounds stayed below, and that a tenth exceeded."""
        low, high = np.percentile(self.microseconds, (10, 90))
        return float(low), float(high)
