"""Keep whole channels, the more of them the larger the sample's loss is beside the largest ever seen."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.errors import UserError
from tinyprop.methods.rules.keep_ratio import KeepRatio
from tinyprop.methods.rules.magnitude import relative_to_peak
from tinyprop.methods.rules.number_check import require_fraction
from tinyprop.methods.rules.rule import NOTHING_YET, LayerState, Selected, SelectionRule


@dataclass(frozen=True)
class KeepChannels(SelectionRule):
    """Keeps all entries of the k channels of largest Σ|δ|; among equals the lower channel wins.

        loss_max = max(loss_max, loss)
        S = low + (high − low)·loss/loss_max
        k = floor(S·C + ½), clamped to [1, C], of C channels

    In a dense layer each output is a channel of one entry. All is kept where a selection would not pay
    (`selection_pays`): k over 3/8 of the channels. Exact zeros are never counted as kept. Each layer remembers loss_max
    for itself, where others remember Y_max; a sample without a loss counts as one of loss 0. Where the sums together
    are beyond float32 one channel is kept. Two looks per entry, and those at the channels' sums that `KeepRatio` takes.
    low ≤ high: shares of the channels, 0 … 1. Raises UserError for any others.
    """

    c_function: ClassVar[str] = "tp_keep_channels_f32"
    memory: ClassVar[str] = "y_max"
    reads_loss: ClassVar[bool] = True
    low: float
    high: float

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            require_fraction("KeepChannels", name, getattr(self, name))
        if self.low > self.high:
            raise UserError(f"KeepChannels was given low={self.low!r} above high={self.high!r}: swap or equal them.")

    def scratch_bytes(self, channels: int) -> int:
        """A sum for each channel."""
        return 4 * channels

    def share(self, ratio: np.float32) -> np.float32:
        """S for a loss that is `ratio` of the largest so far."""
        low, high = np.float32(self.low), np.float32(self.high)
        share = low + (high - low) * ratio
        return share if share < high else high  # also where the loss is NaN

    def select(
        self, state: LayerState, delta: np.ndarray, n: int, order: np.ndarray, loss: np.float32 = NOTHING_YET
    ) -> tuple[LayerState, Selected]:
        loss_max, ratio = relative_to_peak(np.float32(loss), state.y_max)
        share = float(self.share(ratio))
        channels = delta.reshape(len(delta), -1)
        with np.errstate(over="ignore"):
            sums = np.add.accumulate(np.abs(channels), axis=1, dtype=np.float32)[:, -1]  # strictly left to right
        of_sums = KeepRatio(share, share, k_min=1).select(LayerState(), sums, sums.size, np.arange(sums.size))[1]
        looks = delta.size + of_sums.looks
        if of_sums.kept.all():
            return LayerState(loss_max), Selected.of(delta, np.ones(delta.shape, bool), looks)
        kept = (of_sums.kept[:, None] & (channels != 0)).reshape(delta.shape)
        return LayerState(loss_max), Selected.of(delta, kept, looks + delta.size)
