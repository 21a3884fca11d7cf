"""Plain training."""

from dataclasses import dataclass
from typing import ClassVar

from tinyprop.methods.method import Method
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.never_skip import NeverSkip
from tinyprop.methods.spec import LayerInfo, TrainSpec


@dataclass(frozen=True)
class Full(Method):
    """Plain SGD with one sample per step; every value is computed.

        forward → loss, δ_L
        for l = L … 1:
            δ_{l−1} = W_lᵀ·δ_l ⊙ act';  W_l −= lr·δ_l ⊗ x

    Source: the yardstick of every comparison; plain back-propagation.
    Differs from the source: nothing.
    """

    name: ClassVar[str] = "full"
    title: ClassVar[str] = "full training"
    summary: ClassVar[str] = "every value computed: the yardstick"

    def spec(self, layers: tuple[LayerInfo, ...]) -> TrainSpec:
        return TrainSpec(self.name, skip_zeros=False, skip=NeverSkip(), selections=tuple(KeepAll() for _ in layers))
