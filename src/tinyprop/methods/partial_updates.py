"""Dynamic partial updates: how many channels learn from a sample follows its loss."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tinyprop.errors import UserError
from tinyprop.methods.method import Method
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.keep_channels import KeepChannels
from tinyprop.methods.rules.never_skip import NeverSkip
from tinyprop.methods.rules.number_check import require_fraction
from tinyprop.methods.search_range import Range
from tinyprop.methods.spec import LayerInfo, Selection, TrainSpec, selecting


@dataclass(frozen=True)
class PartialUpdates(Method):
    """Dynamic partial updates: whole channels are back-propagated or not, the more of them the larger the loss is.

        forward → loss, δ_L;  loss_max = max(loss_max, loss)
        S = lambda_min + (lambda_max − lambda_min)·loss/loss_max
        the output layer back-propagates all of δ_L
        for l = L−1 … 1, of C_l channels (each output is one in a dense layer):
            k_l = round(S·C_l) in [1, C_l]
            keep the k_l channels of largest Σ|δ_l|; all of δ_l should k_l be over 3/8 of them
            δ_{l−1} = W_lᵀ·δ_kept ⊙ act';  W_l −= lr·δ_kept ⊗ x

    lambda_min ≤ lambda_max: shares of a layer's channels, 0 … 1. Raises UserError for others.

    Source: Deutel, Hannig, Mutschler, Teich, "On-Device Training of Fully Quantized Deep Neural Networks on Cortex-M
    Microcontrollers", IEEE TCAD 44(4), arXiv 2407.10734, its dynamic partial gradient updates. Only the abstract and
    descriptions by others were at hand: no equation is cited, and the rule above is a reconstruction.

    Differs from the source, as far as it is known:
    - float32; their training is fully quantized.
    - The norm by which channels are ranked is Σ|δ|; the output layer is dense; all is kept where a selection would not
      pay (docs/decisions/0015).
    - The sample's own loss counts, one sample per step, and the largest so far never decays. Each layer remembers it
      for itself: what it saw while the pass came that far.
    - The bias gradient uses the kept δ.
    """

    name: ClassVar[str] = "partial_updates"
    title: ClassVar[str] = "dynamic partial updates"
    summary: ClassVar[str] = "whole channels of largest error, the more the larger the loss (Deutel 2024, in float32)"
    space: ClassVar[Mapping[str, Range]] = {"lambda_min": Range(0.0, 0.3), "lambda_max": Range(0.3, 1.0)}
    lambda_min: float = 0.1
    lambda_max: float = 1.0

    def __post_init__(self) -> None:
        for name in ("lambda_min", "lambda_max"):
            require_fraction("PartialUpdates", name, getattr(self, name))
        if self.lambda_min > self.lambda_max:
            raise UserError(
                f"PartialUpdates was given lambda_min={self.lambda_min!r} above lambda_max={self.lambda_max!r}: "
                "swap or equal them."
            )

    def spec(self, layers: tuple[LayerInfo, ...]) -> TrainSpec:
        by_loss = KeepChannels(self.lambda_min, self.lambda_max)
        selections: tuple[Selection, ...] = tuple(by_loss if s else KeepAll() for s in selecting(layers))
        return TrainSpec(self.name, skip_zeros=True, skip=NeverSkip(), selections=selections)
