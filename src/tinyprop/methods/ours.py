"""Threshold and skip: this project's own method."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tinyprop.methods.method import Method
from tinyprop.methods.rules.keep_above import KeepAbove
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.skip_by_loss import SkipByLoss
from tinyprop.methods.search_range import Range
from tinyprop.methods.spec import LayerInfo, Selection, TrainSpec, depths


@dataclass(frozen=True)
class Ours(Method):
    """Skip what is already learned; elsewhere back-propagate what is large beside this step's largest error.

        forward → loss, δ_L
        if loss < tau: no backward pass                # step skipped
        the output layer back-propagates all of δ_L
        for l = L−1 … 1:
            keep δ_l,i ≠ 0 with |δ_l,i| ≥ theta·max|δ_l|; all of δ_l should that be over 3/8 of it
            δ_{l−1} = W_lᵀ·δ_kept ⊙ act';  W_l −= lr·δ_kept ⊗ x

    No sort, no running maximum, no constant per layer.
    theta: share of the layer's largest |δ|, 0 … 1; tau: loss, finite, ≥ 0. Raises UserError outside of these.

    Source: ours; the skip is that of selective back-propagation. Not published.
    Differs from the source: there is none to differ from.
    """

    name: ClassVar[str] = "ours"
    title: ClassVar[str] = "threshold + skip (ours)"
    summary: ClassVar[str] = "what is large beside this step's largest δ, samples of small loss skipped"
    space: ClassVar[Mapping[str, Range]] = {"theta": Range(0.05, 0.8), "tau": Range(0.005, 1.0, log=True)}
    theta: float = 0.3
    tau: float = 0.2

    def __post_init__(self) -> None:
        KeepAbove(self.theta)
        SkipByLoss(self.tau)

    def spec(self, layers: tuple[LayerInfo, ...]) -> TrainSpec:
        selections: tuple[Selection, ...] = tuple(KeepAbove(self.theta) if p else KeepAll() for p in depths(layers))
        return TrainSpec(self.name, skip_zeros=True, skip=SkipByLoss(self.tau), selections=selections)
