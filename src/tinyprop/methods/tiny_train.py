"""TinyTrain: the layers that matter to the user's samples, for what they cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tinyprop.methods.chosen_layers import places_in, require_choice
from tinyprop.methods.method import Method
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.never_skip import NeverSkip
from tinyprop.methods.search_range import Range
from tinyprop.methods.spec import LayerInfo, TrainSpec, depths


@dataclass(frozen=True)
class TinyTrain(Method):
    """Trains the output layer and the layers that were chosen by Fisher information on a few samples of the task.

        before any training, on N samples (`tinyprop.choose_tiny_train`), for each layer l below the output layer:
            P_l = Σ over channels o of 1/(2N)·Σ over samples (Σ over positions a_o·∂loss/∂a_o)²
            s_l = P_l / (parameters_l / most parameters · MACs_l / most MACs)
            layers are chosen by falling s_l, as long as RAM and backward multiply-adds stay within their budgets

        forward → loss, δ_L
        for l = L … the lowest of the chosen:
            if l is the output layer or chosen:  W_l −= lr·δ_l ⊗ x;  b_l −= lr·Σ δ_l over positions
            δ_{l−1} = W_lᵀ·δ_l ⊙ act' unless l is the lowest

    layers: which train, Σ 2^(p−1): 1 for the layer below the output layer, 2 for the next, 5 for the first and the
    third; a whole number of 0 or more; what goes beyond the network's layers counts for nothing. A layer and the batch
    norm that scales it are one. Raises UserError for other numbers. The default was not chosen on any data.

    Source: Kwon et al., "TinyTrain: Resource-Aware Task-Adaptive Sparse Training of DNNs at the Data-Scarce Edge",
    ICML 2024, arXiv 2307.09988. Its abstract and descriptions by others were at hand, its text was not: no equation is
    cited, and the rule above is a reconstruction. Fisher information of a channel: Theis et al. 2018, arXiv 1801.05787.

    Differs from the source, as far as it is known:
    - Whole layers: there, of a chosen layer only the channels of largest Fisher information train.
    - The network's own output layer always trains; there, samples are classed by their distance to class means.
    - The meta-training that comes before it, on the host, is not part of it.
    """

    name: ClassVar[str] = "tiny_train"
    title: ClassVar[str] = "TinyTrain"
    summary: ClassVar[str] = "output layer and layers chosen by Fisher information for their cost (whole layers only)"
    space: ClassVar[Mapping[str, Range]] = {"layers": Range(0, 255, whole=True)}
    layers: int = 3

    def __post_init__(self) -> None:
        require_choice("TinyTrain", "layers", self.layers)

    def spec(self, layers: tuple[LayerInfo, ...]) -> TrainSpec:
        places = places_in(self.layers) | {0}
        selections = tuple(KeepAll() if p in places else None for p in depths(layers))
        return TrainSpec(self.name, skip_zeros=True, skip=NeverSkip(), selections=selections)
