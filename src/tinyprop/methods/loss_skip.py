"""Selective back-propagation alone: samples of small loss are skipped, the others are trained on in full."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tinyprop.methods.method import Method
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.skip_by_loss import SkipByLoss
from tinyprop.methods.search_range import Range
from tinyprop.methods.spec import LayerInfo, TrainSpec


@dataclass(frozen=True)
class LossSkip(Method):
    """Full training, zeros skipped, of the samples whose loss says that there is something to learn.

        forward → loss, δ_L
        if loss < tau: no backward pass                # step skipped
        for l = L … 1:
            δ_{l−1} = W_lᵀ·δ_l ⊙ act', over δ_l,i ≠ 0;  W_l −= lr·δ_l ⊗ x, over δ_l,i ≠ 0 and x_j ≠ 0

    What is left of a method that skips and selects when it selects nothing: the difference is the selection's merit.
    tau: loss, finite, ≥ 0. Raises UserError outside of it.

    Source: selective back-propagation, Jiang et al. 2019, arXiv 1910.00762.
    Differs from the source: a fixed bar; there, a sample is skipped with a probability that follows from where its loss
    stands among those of recent samples.
    """

    name: ClassVar[str] = "loss_skip"
    title: ClassVar[str] = "loss-skip alone"
    summary: ClassVar[str] = "samples of small loss skipped, full training of the others"
    space: ClassVar[Mapping[str, Range]] = {"tau": Range(0.005, 1.0, log=True)}
    tau: float = 0.05

    def __post_init__(self) -> None:
        SkipByLoss(self.tau)

    def spec(self, layers: tuple[LayerInfo, ...]) -> TrainSpec:
        selections = tuple(KeepAll() for _ in layers)
        return TrainSpec(self.name, skip_zeros=True, skip=SkipByLoss(self.tau), selections=selections)
