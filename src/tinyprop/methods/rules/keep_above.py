"""Keep what is large beside this step's typical error."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.methods.rules.magnitude import LEAST, bar_of, reach
from tinyprop.methods.rules.number_check import require_non_negative
from tinyprop.methods.rules.rule import LayerState, Selected, SelectionRule, selection_pays


@dataclass(frozen=True)
class KeepAbove(SelectionRule):
    """Keeps δ_i ≠ 0 with |δ_i| ≥ theta · √(Σδ² / n), n stored entries.

    All of δ is kept where nothing reaches the bar though δ is not zero, and where a selection would not pay
    (`selection_pays`). What is dropped is at most theta of δ, in norm: ‖δ − δ_kept‖ ≤ theta·‖δ‖. No sort, no state,
    three looks per entry at most: for the bar, to count what is kept, to drop the rest.
    theta: the bar, in root mean squares of the layer's δ in this step, finite, ≥ 0. Raises UserError for any other.
    """

    c_function: ClassVar[str] = "tp_keep_above_f32"
    theta: float

    def __post_init__(self) -> None:
        require_non_negative("KeepAbove", "theta", self.theta)

    def select(self, state: LayerState, delta: np.ndarray, n: int, order: np.ndarray) -> tuple[LayerState, Selected]:
        return state, above(delta, bar_of(self.theta, delta), all_if_none=True)


def above(delta: np.ndarray, bar: np.float32, *, all_if_none: bool) -> Selected:
    """What reaches the bar, or all where a selection would not pay; and, if it shall be, where nothing does."""
    kept = reach(delta, bar)
    count = int(np.count_nonzero(kept))
    if (all_if_none and count == 0 and not bar <= LEAST) or not selection_pays(count, delta.size):
        return Selected.of(delta, np.ones_like(kept), looks=2 * delta.size)
    return Selected.of(delta, kept, looks=3 * delta.size)
