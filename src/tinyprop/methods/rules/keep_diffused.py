"""Keep what is large beside this step's typical error, and let the rest add up until it is."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.methods.rules.magnitude import bar_of, reach
from tinyprop.methods.rules.number_check import require_non_negative
from tinyprop.methods.rules.rule import LayerState, Selected, SelectionRule


@dataclass(frozen=True)
class KeepDiffused(SelectionRule):
    """Error diffusion along each channel: what is below the bar is not dropped but carried to the next entry.

        bar = theta · √(Σδ² / n)
        for each channel: carried = 0;  for each of its entries δ_i, in order:
            carried ← carried + δ_i
            if |carried| ≥ bar: keep carried in place of δ_i;  carried ← 0
            else: keep nothing of it

    All entries of a channel train the same weights, from windows of the input that overlap: a small error does at the
    next position nearly what it would have done at its own. The sum over a channel, its bias's gradient, changes by
    less than the bar: what is carried when the channel ends. An exact zero is never kept. Of n stored entries at most
    n / theta are, unless their squares underflow; none is where errors are alike and cancel each other, which ends the
    pass. All are where the squares overflow. Two looks per entry, no state.
    theta: the bar, in root mean squares of the layer's δ in this step, finite, ≥ 0. Raises UserError for any other.

    Source: error diffusion is Floyd and Steinberg's (1976), for printing grey with black dots; its use here is ours.
    """

    c_function: ClassVar[str] = "tp_keep_diffused_f32"
    theta: float

    def __post_init__(self) -> None:
        require_non_negative("KeepDiffused", "theta", self.theta)

    def select(self, state: LayerState, delta: np.ndarray, n: int, order: np.ndarray) -> tuple[LayerState, Selected]:
        return state, diffused(delta, bar_of(self.theta, delta))


def diffused(delta: np.ndarray, bar: np.float32) -> Selected:
    """δ (channels, …) with each entry carried to the next of its channel until they reach the bar together."""
    if not np.isfinite(bar):
        return Selected.of(delta, np.ones_like(delta, dtype=bool), looks=delta.size)
    channels = delta.reshape(len(delta), -1)
    after = np.zeros_like(channels)
    carried = np.zeros(len(channels), np.float32)
    with np.errstate(over="ignore"):
        for position in range(channels.shape[1]):  # of all channels at a time
            carried = carried + channels[:, position]
            stays = reach(carried, bar)
            after[stays, position] = carried[stays]
            carried[stays] = 0
    after = after.reshape(delta.shape)
    return Selected(after, after != 0, looks=2 * delta.size)
