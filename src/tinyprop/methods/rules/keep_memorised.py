"""Keep the largest of δ and of what earlier steps left over of it, and remember what is left now (error feedback)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.methods.rules.keep_ratio import KeepRatio
from tinyprop.methods.rules.magnitude import magnitude_bits
from tinyprop.methods.rules.number_check import require_fraction
from tinyprop.methods.rules.rule import LayerState, Selected, SelectionRule, selection_pays
from tinyprop.methods.rules.top_k_cost import few_of_short


@dataclass(frozen=True)
class KeepMemorised(SelectionRule):
    """Keeps exactly k entries of largest |δ + m|; of the others m, an entry for each of the stored δ, is what was left.

        δ' = δ + m where δ is not 0
        k = floor(ratio·n + ½), clamped to [1, n]
        keep the k largest |δ'|, as `KeepRatio` does
        where δ is not 0:  m = 0 if kept, else share·δ'

    Where δ is 0 nothing is added and m waits as it is: most zeros are units that a ReLU holds back, and zeros stay
    zeros. What is not finite is not remembered: its m is 0. Where a selection would not pay (`selection_pays`), which
    only the settings and the layer's size decide, all is kept and there is no m. Two looks per entry and those of
    `KeepRatio`; one for each where the few of a short layer are found as they are added up.
    ratio: share of the outputs; share: of what is left, how much is remembered; both 0 … 1. Raises UserError for
    others.
    """

    c_function: ClassVar[str] = "tp_keep_memorised_f32"
    breaks_ties: ClassVar[bool] = True
    ratio: float
    share: float = 1.0

    def __post_init__(self) -> None:
        for name in ("ratio", "share"):
            require_fraction("KeepMemorised", name, getattr(self, name))

    @property
    def of_sum(self) -> KeepRatio:
        """The rule by which entries of δ' are kept."""
        return KeepRatio(self.ratio, self.ratio, k_min=1)

    def residuals(self, stored: int, n: int) -> int:
        k = self.of_sum.quota(np.float32(0), n)
        return stored if selection_pays(k, stored) else 0

    def select(self, state: LayerState, delta: np.ndarray, n: int, order: np.ndarray) -> tuple[LayerState, Selected]:
        if not self.residuals(delta.size, n):
            return LayerState(), self.of_sum.select(LayerState(), delta, n, order)[1]
        memory = np.frombuffer(state.residual or bytes(4 * delta.size), np.float32).reshape(delta.shape)
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            total = np.where(delta != 0, delta + memory, delta)
            left = np.float32(self.share) * total
        selected = self.of_sum.select(LayerState(), total, n, order)[1]
        left = np.where(selected.kept | ~np.isfinite(left), np.float32(0), left)
        after = np.where(delta != 0, left, memory)
        found_at_once = few_of_short(delta.size, n, k := self.of_sum.quota(np.float32(0), n)) and _adds_up(total, k)
        looks = delta.size if found_at_once else selected.looks + 2 * delta.size
        return LayerState(residual=after.tobytes()), Selected.of(total, selected.kept, looks)


def _adds_up(total: np.ndarray, k: int) -> bool:
    """Whether k entries are not zero and all so small that their sum is a float32 in any order."""
    magnitudes = magnitude_bits(total.ravel())
    bound = np.finfo(np.float32).max / np.float32(total.size)
    return bool(np.count_nonzero(magnitudes) >= k and magnitudes.max() < magnitude_bits(np.asarray(bound, np.float32)))
