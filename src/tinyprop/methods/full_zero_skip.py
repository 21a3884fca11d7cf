"""Plain training that leaves out what is exactly zero."""

from dataclasses import dataclass
from typing import ClassVar

from tinyprop.methods.method import Method
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.never_skip import NeverSkip
from tinyprop.methods.spec import LayerInfo, TrainSpec


@dataclass(frozen=True)
class FullZeroSkip(Method):
    """Full training to the bit, without the multiplications by exact zeros (dead inputs, dead δ).

        forward → loss, δ_L
        for l = L … 1:
            δ_{l−1} = W_lᵀ·δ_l ⊙ act', over δ_l,i ≠ 0;  W_l −= lr·δ_l ⊗ x, over δ_l,i ≠ 0 and x_j ≠ 0

    Every sparse method gets this saving for free, so a comparison that lacks this row credits them with it.
    Source: ours; the mathematics is plain back-propagation.
    Differs from the source: nothing; the trained weights equal those of `full`.
    """

    name: ClassVar[str] = "full_zero_skip"
    title: ClassVar[str] = "full, zeros skipped"
    summary: ClassVar[str] = "the same weights as full training, without the products that are exactly zero"

    def spec(self, layers: tuple[LayerInfo, ...]) -> TrainSpec:
        return TrainSpec(self.name, skip_zeros=True, skip=NeverSkip(), selections=tuple(KeepAll() for _ in layers))
