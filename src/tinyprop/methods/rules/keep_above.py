"""Keep what is large beside this step's largest error."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.methods.rules.number_check import require_fraction
from tinyprop.methods.rules.rule import LayerState, Selected, SelectionRule, selection_pays


@dataclass(frozen=True)
class KeepAbove(SelectionRule):
    """Keeps δ_i ≠ 0 with |δ_i| ≥ theta · max|δ|; all of δ where a selection would not pay (`selection_pays`).

    No sort, no state, three looks per entry at most: for the largest, to count what is kept, to drop the rest.
    theta: fraction of the largest |δ| of this layer and step, 0 … 1. Raises UserError for any other.
    """

    c_function: ClassVar[str] = "tp_keep_above_f32"
    theta: float

    def __post_init__(self) -> None:
        require_fraction("KeepAbove", "theta", self.theta)

    def select(self, state: LayerState, delta: np.ndarray, n: int, order: np.ndarray) -> tuple[LayerState, Selected]:
        magnitude = np.abs(delta)
        bar = np.float32(self.theta) * np.max(magnitude, initial=np.float32(0))
        kept = (delta != 0) & (magnitude >= bar)
        if not selection_pays(int(np.count_nonzero(kept)), delta.size):
            return state, Selected(np.ones_like(kept), looks=2 * delta.size)
        return state, Selected(kept, looks=3 * delta.size)
