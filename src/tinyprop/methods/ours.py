"""Threshold and skip: this project's own method."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tinyprop.methods.method import Method
from tinyprop.methods.rules.keep_above import KeepAbove
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.keep_diffused import KeepDiffused
from tinyprop.methods.rules.number_check import require_non_negative
from tinyprop.methods.rules.skip_by_loss import SkipByLoss
from tinyprop.methods.search_range import Range
from tinyprop.methods.spec import LayerInfo, Selection, TrainSpec, selecting


@dataclass(frozen=True)
class Ours(Method):
    """Skip what is already learned; elsewhere back-propagate what is large beside this step's typical error.

        forward → loss, δ_L
        if loss < tau: no backward pass                # step skipped
        the output layer back-propagates all of δ_L
        for l = L−1 … 1:
            r = √(Σδ_l² / n_l)
            dense: keep |δ_l,i| ≥ drop·r; all of δ_l should that be nothing, or over 3/8 of it
            convolution: along each channel, carry what is below carry·r to the next entry, keep what is not
            depthwise, batch norm: keep all; their few products cost less than finding which to leave out
            δ_{l−1} = W_lᵀ·δ_kept ⊙ act';  W_l −= lr·δ_kept ⊗ x

    No sort, no running maximum, no constant per layer. What a dense layer drops is at most `drop` of δ in norm. What
    a convolution leaves out is not lost: the sum of a channel's error changes by less than the bar, whatever is kept.
    drop: bar of dense layers; carry: of convolutions, in root mean squares of a layer's δ, finite, ≥ 0; tau: loss,
    finite, ≥ 0. Raises UserError outside of these.

    Source: ours; the skip is that of selective back-propagation, the carrying is error diffusion (Floyd and Steinberg
    1976). Not published.
    Differs from the source: there is none to differ from.
    """

    name: ClassVar[str] = "ours"
    title: ClassVar[str] = "threshold + skip (ours)"
    summary: ClassVar[str] = (
        "what is large beside the step's typical error, the rest carried along channels, samples of small loss skipped"
    )
    space: ClassVar[Mapping[str, Range]] = {
        "drop": Range(0.2, 1.5),
        "carry": Range(0.2, 3.0),
        "tau": Range(0.005, 1.0, log=True),
    }
    drop: float = 0.8
    carry: float = 1.25
    tau: float = 0.2

    def __post_init__(self) -> None:
        require_non_negative("Ours", "drop", self.drop)
        require_non_negative("Ours", "carry", self.carry)
        SkipByLoss(self.tau)

    def spec(self, layers: tuple[LayerInfo, ...]) -> TrainSpec:
        selections = tuple(
            self._selection(layer) if selects else KeepAll()
            for selects, layer in zip(selecting(layers), layers, strict=True)
        )
        return TrainSpec(self.name, skip_zeros=True, skip=SkipByLoss(self.tau), selections=selections)

    def _selection(self, layer: LayerInfo) -> Selection:
        return KeepDiffused(self.carry) if layer.positions > 1 else KeepAbove(self.drop)
