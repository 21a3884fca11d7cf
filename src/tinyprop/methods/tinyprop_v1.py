"""TinyProp (2023): adaptive top-k back-propagation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tinyprop.methods.method import Method
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.keep_ratio import KeepRatio
from tinyprop.methods.rules.never_skip import NeverSkip
from tinyprop.methods.rules.number_check import require_fraction
from tinyprop.methods.search_range import Range
from tinyprop.methods.spec import LayerInfo, Selection, TrainSpec, depths


@dataclass(frozen=True)
class TinyPropV1(Method):
    """TinyProp: in every layer the larger the error beside the largest ever seen, the more of it is back-propagated.

        forward → loss, δ_L
        for l = L … 1, with p = 0 at the output layer and +1 per trainable layer towards the input (`depths`):
            Y_l = Σ|δ_l|;  Y_max,l = max(Y_max,l, Y_l)
            S_l = (s_min + (s_max − s_min)·Y_l/Y_max,l)·zeta^p
            k_l = round(S_l·n_l) in [1, n_l]
            keep the k_l largest |δ_l|;  δ_{l−1} = W_lᵀ·δ_kept ⊙ act';  W_l −= lr·δ_kept ⊗ x

    s_min ≤ s_max: back-propagation ratios, 0 … 1; zeta: damping per layer, 0 … 1. Raises UserError outside of these.

    Source: the TinyProp authors' public code of 2023, whose defaults (C, MNIST) these are; k counts over C·H·W for a
    convolution, and all layers, the output layer included, are sparse.

    Differs from the source:
    - k is rounded and clamped to [1, n]; there, the C code truncates, and the PyTorch code loses its clamp.
    - Exactly k entries are kept, the lower index among equals; exact zeros never count as kept.
    - The bias gradient uses the kept δ; there, that of a dense layer uses all of δ.
    - Depthwise convolutions and batch norms keep all, and so does a layer that would keep over 3/8 of δ: selecting
      there costs more than it saves (docs/decisions/0015).
    - Convolutions really leave out what was not kept, and are right for every stride; there, δ is only masked.
    """

    name: ClassVar[str] = "tinyprop_v1"
    title: ClassVar[str] = "TinyProp v1"
    summary: ClassVar[str] = "adaptive top-k of δ in every layer"
    space: ClassVar[Mapping[str, Range]] = {
        "s_min": Range(0.0, 0.3),
        "s_max": Range(0.3, 1.0),
        "zeta": Range(0.3, 1.0),
    }
    s_min: float = 0.1
    s_max: float = 0.9
    zeta: float = 0.5

    def __post_init__(self) -> None:
        require_fraction("TinyPropV1", "zeta", self.zeta)
        KeepRatio(self.s_min, self.s_max)

    def spec(self, layers: tuple[LayerInfo, ...]) -> TrainSpec:
        selections: tuple[Selection, ...] = tuple(
            KeepAll() if layer.per_channel else KeepRatio(self.s_min, self.s_max, self.zeta**p, k_min=1)
            for p, layer in zip(depths(layers), layers, strict=True)
        )
        return TrainSpec(self.name, skip_zeros=True, skip=NeverSkip(), selections=selections)
