"""Skip a sample that is already predicted well enough."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.methods.rules.number_check import require_non_negative
from tinyprop.methods.rules.rule import LayerState, SkippingRule


@dataclass(frozen=True)
class SkipByLoss(SkippingRule):
    """Skips if loss < tau. tau: in units of the loss, finite, ≥ 0 (0 never skips). Raises UserError for any other."""

    c_function: ClassVar[str] = "tp_skip_by_loss_f32"
    tau: float

    def __post_init__(self) -> None:
        require_non_negative("SkipByLoss", "tau", self.tau)

    def skip(self, state: LayerState, loss: np.float32, y: np.float32) -> tuple[LayerState, bool]:
        return state, bool(np.float32(loss) < np.float32(self.tau))
