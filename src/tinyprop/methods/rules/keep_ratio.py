"""TinyProp's adaptive top-k: the larger a layer's error beside the largest ever seen, the more of it is kept."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.errors import UserError
from tinyprop.methods.rules.magnitude import abs_sum, magnitude_bits, relative_to_peak
from tinyprop.methods.rules.number_check import require_count, require_fraction
from tinyprop.methods.rules.rule import LayerState, Selected, SelectionRule, selection_pays
from tinyprop.methods.rules.top_k_cost import looks_for_top_k


@dataclass(frozen=True)
class KeepRatio(SelectionRule):
    """Keeps exactly k entries of largest |δ|; among equals the lower un-pooled index wins.

        Y = Σ|δ|;  Y_max = max(Y_max, Y)
        S = clip((s_min + (s_max − s_min)·Y/Y_max)·scale, 0, s_max)
        k = floor(S·n + ½), clamped to [k_min, n]

    All in float32, in this order of evaluation, in Python and C alike. Exact zeros are never kept, so fewer than k
    are when δ has fewer non-zeros; nothing kept ends the pass. All is kept where a selection would not pay
    (`selection_pays`): k over 3/8 of the stored entries, those that won their pool where there is one.
    s_min ≤ s_max: back-propagation ratios, 0 … 1; scale: ζ^p of the method, 0 … 1; k_min: entries kept at least.
    Raises UserError for settings outside these ranges.
    """

    c_function: ClassVar[str] = "tp_keep_ratio_f32"
    memory: ClassVar[str] = "y_max"
    breaks_ties: ClassVar[bool] = True
    s_min: float
    s_max: float
    scale: float = 1.0
    k_min: int = 0

    def __post_init__(self) -> None:
        for name in ("s_min", "s_max", "scale"):
            require_fraction("KeepRatio", name, getattr(self, name))
        require_count("KeepRatio", "k_min", self.k_min)
        if self.s_min > self.s_max:
            raise UserError(f"KeepRatio was given s_min={self.s_min!r} above s_max={self.s_max!r}: swap or equal them.")

    def quota(self, ratio: np.float32, n: int) -> int:
        """k for a layer of `n` outputs whose error is `ratio` of its largest so far."""
        low, high = np.float32(self.s_min), np.float32(self.s_max)
        share = (low + (high - low) * ratio) * np.float32(self.scale)
        share = min(share, high) if share > 0 else np.float32(0)  # also turns NaN into 0
        k = int(share * np.float32(n) + np.float32(0.5))
        return min(max(k, self.k_min), n)

    def select(self, state: LayerState, delta: np.ndarray, n: int, order: np.ndarray) -> tuple[LayerState, Selected]:
        y_max, ratio = relative_to_peak(abs_sum(delta), state.y_max)
        k = self.quota(ratio, n)
        if not selection_pays(k, delta.size):
            kept, looks = np.ones(delta.shape, bool), delta.size
        elif k == 0:
            kept, looks = np.zeros(delta.shape, bool), delta.size
        else:
            kept, looks = largest(delta, k, order) & (delta != 0), looks_for_top_k(delta.ravel(), n, k)
        return LayerState(y_max), Selected.of(delta, kept, looks)


def largest(delta: np.ndarray, k: int, order: np.ndarray) -> np.ndarray:
    """Mask of the k entries of largest |δ|, NaN above all, the lower `order` first among equals: a plain sort, the
    oracle of the C."""
    kept = np.zeros(delta.size, dtype=bool)
    kept[np.lexsort((order, ~magnitude_bits(delta.ravel())))[:k]] = True
    return kept.reshape(delta.shape)
