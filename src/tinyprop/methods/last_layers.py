"""The last layers alone: everything below is frozen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tinyprop.errors import UserError
from tinyprop.methods.method import Method
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.never_skip import NeverSkip
from tinyprop.methods.rules.number_check import require_count
from tinyprop.methods.search_range import Range
from tinyprop.methods.spec import LayerInfo, TrainSpec, depths


@dataclass(frozen=True)
class LastLayers(Method):
    """Trains the last m layers in full, zeros skipped. What lies below costs no gradient, no error and no RAM.

        forward → loss, δ_L
        for l = L … L − layers + 1:
            W_l −= lr·δ_l ⊗ x;  δ_{l−1} = W_lᵀ·δ_l ⊙ act' unless l is the last of these

    layers: how many, 1 or more; all where the network has no more. A layer and the batch norm that scales it are one.
    Raises UserError for any other number.

    Source: TinyOL (Ren et al., IJCNN 2021), which trains the last layer on the device; common practice for m > 1.
    Differs from the source: the layers trained are those of the network; TinyOL appends one of its own.
    """

    name: ClassVar[str] = "last_layers"
    title: ClassVar[str] = "last layers alone"
    summary: ClassVar[str] = "the last layer (or the last few) trained in full, the rest frozen (TinyOL)"
    space: ClassVar[Mapping[str, Range]] = {"layers": Range(1, 4, whole=True)}
    layers: int = 1

    def __post_init__(self) -> None:
        require_count("LastLayers", "layers", self.layers)
        if self.layers == 0:
            raise UserError("LastLayers was given layers=0, by which nothing trains: choose 1 or more.")

    def spec(self, layers: tuple[LayerInfo, ...]) -> TrainSpec:
        selections = tuple(KeepAll() if p < self.layers else None for p in depths(layers))
        return TrainSpec(self.name, skip_zeros=True, skip=NeverSkip(), selections=selections)
