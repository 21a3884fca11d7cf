"""Fixed top-k (meProp): the same share of every layer's error in every step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tinyprop.methods.method import Method
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.keep_ratio import KeepRatio
from tinyprop.methods.rules.never_skip import NeverSkip
from tinyprop.methods.rules.number_check import require_fraction
from tinyprop.methods.search_range import Range
from tinyprop.methods.spec import LayerInfo, Selection, TrainSpec, selecting


@dataclass(frozen=True)
class TopK(Method):
    """Fixed top-k: what adaptive methods are to be better than, a k that no error ever changes.

        forward → loss, δ_L
        the output layer back-propagates all of δ_L
        for l = L−1 … 1:
            k_l = round(ratio·n_l) in [1, n_l]
            keep the k_l largest |δ_l|; all of δ_l should k_l be over 3/8 of it, or channels not mix
            δ_{l−1} = W_lᵀ·δ_kept ⊙ act';  W_l −= lr·δ_kept ⊗ x

    ratio: share of a layer's outputs, counted before pooling, 0 … 1. Raises UserError outside of it.

    Source: meProp, Sun et al., ICML 2017, and its authors' code (PyTorch, MNIST), where the output layer is dense too.

    Differs from the source:
    - k is a share of each layer's outputs; there, it is one number for all hidden layers.
    - All is kept where a selection would not pay (docs/decisions/0015).
    - The bias gradient uses the kept δ; there, it uses all of δ.
    - Convolutions select as well, over C·H·W; there, only dense layers do.
    - One sample per step; there, batches, each sample with its own k entries or all with the same.
    """

    name: ClassVar[str] = "top_k"
    title: ClassVar[str] = "fixed top-k"
    summary: ClassVar[str] = "the same share of δ in every step and layer below a dense output layer (meProp)"
    space: ClassVar[Mapping[str, Range]] = {"ratio": Range(0.01, 0.35, log=True)}
    ratio: float = 0.1

    def __post_init__(self) -> None:
        require_fraction("TopK", "ratio", self.ratio)

    def spec(self, layers: tuple[LayerInfo, ...]) -> TrainSpec:
        fixed = KeepRatio(self.ratio, self.ratio, k_min=1)
        selections: tuple[Selection, ...] = tuple(fixed if s else KeepAll() for s in selecting(layers))
        return TrainSpec(self.name, skip_zeros=True, skip=NeverSkip(), selections=selections)
