"""Sparse Update (MCUNetV3): chosen layers' weights, and the biases of the last layers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tinyprop.methods.chosen_layers import places_in, require_choice
from tinyprop.methods.method import Method
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.never_skip import NeverSkip
from tinyprop.methods.rules.number_check import require_count
from tinyprop.methods.search_range import Range
from tinyprop.methods.spec import LayerInfo, TrainSpec, depths


@dataclass(frozen=True)
class SparseUpdate(Method):
    """Trains the weights of chosen layers and the biases of the last layers; what does is chosen once, beforehand.

        forward → loss, δ_L
        W_L −= lr·δ_L ⊗ x;  b_L −= lr·Σ δ_L
        for l = L−1 … the lowest of the chosen, p = 1 below the output layer and +1 per layer towards the input:
            if p is in weights:  W_l −= lr·δ_l ⊗ x
            if p ≤ biases:       b_l −= lr·Σ δ_l over positions
            δ_{l−1} = W_lᵀ·δ_l ⊙ act' unless l is the lowest

    weights: which layers' weights train, Σ 2^(p−1): 1 for the layer below the output layer, 2 for the next, 5 for the
    first and the third. biases: of how many layers below the output layer the biases train. Both whole, 0 or more; what
    goes beyond the network's layers counts for nothing; with 0 and 0 the output layer alone trains. A layer and the
    batch norm that scales it are one; the norm's shift is a bias. Raises UserError for other numbers.

    `tinyprop.choose_sparse_update` chooses both under a RAM budget by what they were measured to contribute. The
    defaults follow the paper's finding that later layers matter more; they were not chosen on any data.

    Source: Lin et al., "On-Device Training Under 256KB Memory", NeurIPS 2022, arXiv 2206.15472: Sparse Update, and the
    contribution analysis by which it is chosen, as its authors restate it in IEEE Circuits and Systems Magazine,
    Q3 2023, eq. 5.

    Differs from the source:
    - A layer's weights train all or not at all (a ratio of 1 or 0): there, 1/8, 1/4 or 1/2 of its *input channels* may
      train as well. This engine has no kernels that update a part of the input channels.
    - float32 and plain SGD; there, 8-bit weights whose gradients are scaled (QAS).
    """

    name: ClassVar[str] = "sparse_update"
    title: ClassVar[str] = "Sparse Update"
    summary: ClassVar[str] = "chosen layers' weights, biases of the last layers (MCUNetV3; whole layers only)"
    space: ClassVar[Mapping[str, Range]] = {"weights": Range(0, 255, whole=True), "biases": Range(0, 8, whole=True)}
    weights: int = 1
    biases: int = 4

    def __post_init__(self) -> None:
        require_choice("SparseUpdate", "weights", self.weights)
        require_count("SparseUpdate", "biases", self.biases)

    def spec(self, layers: tuple[LayerInfo, ...]) -> TrainSpec:
        places = places_in(self.weights) | {0}
        frozen: list[str | None] = []
        selections: list[KeepAll | None] = []
        for layer, p in zip(layers, depths(layers), strict=True):
            learns = (p in places, layer.bias is not None and p <= self.biases)  # its weight, its bias
            selections.append(KeepAll() if any(learns) else None)
            if any(learns):
                frozen += [name for name, it in zip((layer.weight, layer.bias), learns, strict=True) if not it]
        return TrainSpec(
            self.name,
            skip_zeros=True,
            skip=NeverSkip(),
            selections=tuple(selections),
            frozen=tuple(name for name in frozen if name is not None),
        )
