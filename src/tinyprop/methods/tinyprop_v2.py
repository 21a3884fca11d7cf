"""TinyPropv2 (2024): adaptive top-k, early end of the pass, and samples skipped altogether."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tinyprop.methods.method import Method
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.keep_ratio import KeepRatio
from tinyprop.methods.rules.number_check import require_fraction
from tinyprop.methods.rules.skip_by_error import SkipByError
from tinyprop.methods.search_range import Range
from tinyprop.methods.spec import LayerInfo, Selection, TrainSpec, depths, selecting


@dataclass(frozen=True)
class TinyPropV2(Method):
    """TinyPropv2: TinyProp, plus a decision whether a sample is worth a training step at all.

        forward → loss, δ_L
        Y_max = max(Y_max, Y_L);  D = Y_L/Y_max
        if D < theta_skip: no backward pass            # step skipped
        the output layer back-propagates all of δ_L
        for l = L−1 … 1, with p = 1 below the output layer and +1 per trainable layer towards the input:
            Y_max,l = max(Y_max,l, Y_l)
            S_l = clip((s_min + (s_max − s_min)·Y_l/Y_max,l)·zeta^p, 0, s_max);  k_l = round(S_l·n_l)
            if k_l = 0: stop, no lower layer is trained in this step
            keep the k_l largest |δ_l|;  δ_{l−1} = W_lᵀ·δ_kept ⊙ act';  W_l −= lr·δ_kept ⊗ x

    s_min ≤ s_max: back-propagation ratios, 0 … 1; zeta: damping per layer, 0 … 1; theta_skip: share of the largest
    output error below which a sample is skipped, 0 … 1. Raises UserError outside of these.

    Source: TinyPropv2, IJCNN 2024, arXiv 2409.07109, of which the abstract is public: local errors, their propagation
    through the layers, and a decision metric that skips the training step of a data point. The formula of that
    decision metric, D, is a *reconstruction*: it is not taken from the paper.

    Differs from the source:
    - D is our reconstruction (see above); it stands alone in `rules/skip_by_error.py` so that it can be exchanged.
    - The output layer is dense: keeping a tenth of ten logits leaves one, and training collapses.
    - The defaults are ours, chosen on validation data (`python -m tinyprop.bench.choose`, results/chosen.json).
    - What TinyProp v1 changes is changed here too (rounding, ties, biases, convolutions), but k may be 0.
    """

    name: ClassVar[str] = "tinyprop_v2"
    title: ClassVar[str] = "TinyPropv2"
    summary: ClassVar[str] = "adaptive top-k below a dense output layer, easy samples skipped (metric reconstructed)"
    space: ClassVar[Mapping[str, Range]] = {
        "s_min": Range(0.0, 0.3),
        "s_max": Range(0.3, 1.0),
        "zeta": Range(0.3, 1.0),
        "theta_skip": Range(0.0, 0.3),
    }
    s_min: float = 0.1
    s_max: float = 0.5
    zeta: float = 1.0
    theta_skip: float = 0.1

    def __post_init__(self) -> None:
        require_fraction("TinyPropV2", "zeta", self.zeta)
        require_fraction("TinyPropV2", "theta_skip", self.theta_skip)
        KeepRatio(self.s_min, self.s_max)

    def spec(self, layers: tuple[LayerInfo, ...]) -> TrainSpec:
        selections: tuple[Selection, ...] = tuple(
            KeepRatio(self.s_min, self.s_max, self.zeta**p) if selects else KeepAll()
            for p, selects in zip(depths(layers), selecting(layers), strict=True)
        )
        return TrainSpec(self.name, skip_zeros=True, skip=SkipByError(self.theta_skip), selections=selections)
