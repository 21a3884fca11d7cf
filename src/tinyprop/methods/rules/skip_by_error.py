"""Skip a sample whose output error is small beside the largest ever seen (TinyPropv2's decision, reconstructed)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.methods.rules.magnitude import relative_to_peak
from tinyprop.methods.rules.number_check import require_fraction
from tinyprop.methods.rules.rule import LayerState, SkippingRule


@dataclass(frozen=True)
class SkipByError(SkippingRule):
    """Y_max = max(Y_max, Y_L); D = Y_L / Y_max; skip if D < theta.

    The sample is taken into Y_max before D is formed, and skipped samples count too.
    This metric is a reconstruction: the published abstract of TinyPropv2 (arXiv 2409.07109) does not state it.
    theta: 0 … 1. Raises UserError for any other.
    """

    c_function: ClassVar[str] = "tp_skip_by_error_f32"
    memory: ClassVar[str] = "y_max"
    theta: float

    def __post_init__(self) -> None:
        require_fraction("SkipByError", "theta", self.theta)

    def skip(self, state: LayerState, loss: np.float32, y: np.float32) -> tuple[LayerState, bool]:
        y_max, relative = relative_to_peak(np.float32(y), state.y_max)
        return LayerState(y_max), bool(relative < np.float32(self.theta))
