"""Memorised top-k: what is not back-propagated in a step is not lost, but added to the error of the next one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tinyprop.methods.method import Method
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.keep_memorised import KeepMemorised
from tinyprop.methods.rules.never_skip import NeverSkip
from tinyprop.methods.rules.number_check import require_fraction
from tinyprop.methods.search_range import Range
from tinyprop.methods.spec import LayerInfo, Selection, TrainSpec, selecting


@dataclass(frozen=True)
class MemorisedTopK(Method):
    """Fixed top-k with error feedback: δ that is not kept is remembered, entry by entry, and comes back.

        forward → loss, δ_L
        the output layer back-propagates all of δ_L
        for l = L−1 … 1:
            δ'_l = δ_l + m_l where δ_l is not 0
            k_l = round(ratio·n_l) in [1, n_l]
            keep the k_l largest |δ'_l|; all of δ_l, without any m_l, should k_l be over 3/8 of it
            where δ_l is not 0:  m_l = 0 if kept, else memory·δ'_l
            δ_{l−1} = W_lᵀ·δ_kept ⊙ act';  W_l −= lr·δ_kept ⊗ x

    ratio: share of a layer's outputs, counted before pooling; memory: share of what is left over that is remembered, 0
    forgets all of it, as `top_k` does; both 0 … 1. Raises UserError outside of it. m_l is zero at first, in RAM: a
    float for each stored entry of δ_l.

    Source: Zhang, Yang, Ren, Su, Sun, "Memorized Sparse Backpropagation", Neurocomputing 2020, arXiv 1905.10194; in
    kind also Stich, Cordonnier, Jaggi, "Sparsified SGD with Memory", NeurIPS 2018, who remember gradients of weights.
    Only the abstract and descriptions by others were at hand: no equation is cited, and the rule above is a
    reconstruction. That part of the memory may be forgotten is a setting of ours; its default forgets nothing.

    Differs from the source, as far as it is known:
    - Where δ is 0 now the memory waits, neither added nor forgotten. So a unit that its ReLU holds back does not learn,
      and costs nothing, until it is active again.
    - Behind a fused max pool an entry of δ, and of the memory, is a window: what was left of one input that won it is
      added to the next one that does.
    - All is kept where a selection would not pay (docs/decisions/0015), and such a layer has no memory.
    - What is not finite is not remembered.
    - k is a share of each layer's outputs; the output layer is dense; convolutions select as well, over C·H·W.
    - The bias gradient uses the kept δ.
    - One sample per step, so what comes back is of another sample than the δ it is added to.
    """

    name: ClassVar[str] = "memorised_top_k"
    title: ClassVar[str] = "memorised top-k"
    summary: ClassVar[str] = "fixed top-k of δ and of what earlier steps left over of it (error feedback)"
    space: ClassVar[Mapping[str, Range]] = {"ratio": Range(0.01, 0.35, log=True), "memory": Range(0.0, 1.0)}
    ratio: float = 0.1
    memory: float = 1.0

    def __post_init__(self) -> None:
        for name in ("ratio", "memory"):
            require_fraction("MemorisedTopK", name, getattr(self, name))

    def spec(self, layers: tuple[LayerInfo, ...]) -> TrainSpec:
        memorised = KeepMemorised(self.ratio, self.memory)
        selections: tuple[Selection, ...] = tuple(memorised if s else KeepAll() for s in selecting(layers))
        return TrainSpec(self.name, skip_zeros=True, skip=NeverSkip(), selections=selections)
