"""Random-k: a share of every layer's error drawn by lot, the least that a selection must beat."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tinyprop.methods.method import Method
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.keep_random import KeepRandom
from tinyprop.methods.rules.never_skip import NeverSkip
from tinyprop.methods.rules.number_check import require_fraction
from tinyprop.methods.rules.rule import PAYING_SHARE
from tinyprop.methods.search_range import Range
from tinyprop.methods.spec import LayerInfo, Selection, TrainSpec, selecting


@dataclass(frozen=True)
class RandomK(Method):
    """Random-k: what selecting by size is worth shows beside a selection that looks at nothing.

        forward → loss, δ_L
        the output layer back-propagates all of δ_L
        for l = L−1 … 1:
            keep each δ_l,i with probability ratio; all of δ_l where ratio is over 3/8
            if nothing is kept: stop, no lower layer is trained in this step
            δ_{l−1} = W_lᵀ·δ_kept ⊙ act';  W_l −= lr·δ_kept ⊗ x

    What is kept is not divided by `ratio`: that would be unbiased, but single steps would be 1/ratio as long.
    ratio: share of a layer's outputs, 0 … 1. Raises UserError outside of it.

    Source: the random selection that meProp compares itself with (Sun et al., ICML 2017, "random" in their analysis).
    Differs from the source:
    - Each entry is drawn on its own: of those that are not zero the share `ratio` is kept on average, maybe none.
      Exactly k would need a second pass.
    - Convolutions draw as well; the bias gradient uses the kept δ; all is kept where a selection would not pay.
    """

    name: ClassVar[str] = "random_k"
    title: ClassVar[str] = "random-k"
    summary: ClassVar[str] = "a share of δ drawn by lot below a dense output layer"
    space: ClassVar[Mapping[str, Range]] = {"ratio": Range(0.01, 0.35, log=True)}
    ratio: float = 0.1

    def __post_init__(self) -> None:
        require_fraction("RandomK", "ratio", self.ratio)

    def spec(self, layers: tuple[LayerInfo, ...]) -> TrainSpec:
        selections = tuple(self._selection(selects, number) for number, selects in enumerate(selecting(layers)))
        return TrainSpec(self.name, skip_zeros=True, skip=NeverSkip(), selections=selections)

    def _selection(self, selects: bool, number: int) -> Selection:
        return KeepRandom(self.ratio, number) if selects and self.ratio <= PAYING_SHARE else KeepAll()
