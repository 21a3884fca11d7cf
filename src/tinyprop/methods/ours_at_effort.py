"""Ours under a budget: one knob, the effort of the backward pass."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tinyprop.errors import UserError
from tinyprop.methods.method import Method
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.keep_steered import KeepSteered
from tinyprop.methods.rules.number_check import require_fraction
from tinyprop.methods.rules.skip_by_loss import SkipByLoss
from tinyprop.methods.search_range import Range
from tinyprop.methods.spec import LayerInfo, Selection, TrainSpec, selecting


@dataclass(frozen=True)
class OursAtEffort(Method):
    """As `ours`, with every bar steered so that the backward pass costs `effort` of plain training's, or less.

        forward → loss, δ_L
        if loss < tau: no backward pass                # step skipped
        the output layer back-propagates all of δ_L
        for l = L−1 … 1:
            dense: keep |δ_l,i| ≥ bar_l·r;  convolution: carry what is below bar_l·r to the next entry of its channel
            bar_l ← bar_l·(1 + 0.01·(k_l/(ratio·n_l) − 1))
            depthwise, batch norm: keep all
            δ_{l−1} = W_lᵀ·δ_kept ⊙ act';  W_l −= lr·δ_kept ⊗ x

    `ratio` is one for all layers that select: what `effort` leaves them after those that keep all. It holds for the
    mean over steps that are taken; skipped ones cost nothing, so that a run takes less. A budget bounds the cost, not
    the loss of accuracy: compare before you lower it.
    effort: multiply-adds of a backward pass over those of plain training, above 0, up to 1; tau: loss, finite, ≥ 0.
    Raises UserError outside of these, and from `spec` for an effort below what the layers that keep all take alone.

    Source: ours; see `ours`.
    Differs from the source: there is none to differ from.
    """

    name: ClassVar[str] = "ours_at_effort"
    title: ClassVar[str] = "ours under a budget"
    summary: ClassVar[str] = "as ours, its bars steered to a share of the backward pass, the only knob"
    space: ClassVar[Mapping[str, Range]] = {"effort": Range(0.05, 0.5, log=True), "tau": Range(0.005, 1.0, log=True)}
    effort: float = 0.3
    tau: float = 0.2

    def __post_init__(self) -> None:
        require_fraction("OursAtEffort", "effort", self.effort)
        if self.effort == 0:
            raise UserError("OursAtEffort was given effort=0, by which nothing trains: choose more, up to 1.")
        SkipByLoss(self.tau)

    def spec(self, layers: tuple[LayerInfo, ...]) -> TrainSpec:
        selects = selecting(layers)
        ratio = self._ratio(layers, selects)
        selections: tuple[Selection, ...] = tuple(KeepSteered(ratio) if s and ratio < 1 else KeepAll() for s in selects)
        return TrainSpec(self.name, skip_zeros=True, skip=SkipByLoss(self.tau), selections=selections)

    def _ratio(self, layers: tuple[LayerInfo, ...], selects: tuple[bool, ...]) -> float:
        """The share that layers may keep which select. Raises UserError where the others take all of the budget."""
        macs = [layer.macs[0] + (layer.macs[1] if number else 0) for number, layer in enumerate(layers)]
        free = sum(cost for cost, selecting in zip(macs, selects, strict=True) if selecting)
        taken = sum(macs) - free
        left = self.effort * sum(macs) - taken
        if sum(macs) and (left < 0 or (left == 0 and free)):
            share = taken / sum(macs)
            least = min(math.floor(100 * share + 1) / 100, 1.0) if free else 1.0
            raise UserError(
                f"effort={self.effort:g} cannot be reached: the layers that keep all of their error, the output layer "
                f"among them, take {share:.3f} alone; choose {least:g} or more."
            )
        return min(left / free, 1.0) if free else 1.0
