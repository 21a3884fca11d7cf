"""Biases alone: no weight below the output layer changes, so that no activation must be kept for one."""

from dataclasses import dataclass
from typing import ClassVar

from tinyprop.methods.method import Method
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.never_skip import NeverSkip
from tinyprop.methods.spec import LayerInfo, TrainSpec, depths


@dataclass(frozen=True)
class BiasOnly(Method):
    """Trains every bias, and the output layer whole: little RAM, but the error goes all the way down.

        forward → loss, δ_L
        W_L −= lr·δ_L ⊗ x
        for l = L … 1:
            b_l −= lr·Σ δ_l over positions;  δ_{l−1} = W_lᵀ·δ_l ⊙ act'

    Layers without a bias are frozen; of a batch norm that trains, the shift is the bias.

    Source: TinyTL (Cai et al., NeurIPS 2020), its fine-tuning of biases and classifier.
    Differs from the source: without its lite residual modules, which are other layers; plain SGD.
    """

    name: ClassVar[str] = "bias_only"
    title: ClassVar[str] = "biases and output layer"
    summary: ClassVar[str] = "every bias and the output layer trained, other weights frozen (TinyTL without residuals)"

    def spec(self, layers: tuple[LayerInfo, ...]) -> TrainSpec:
        last = dict(zip(layers, depths(layers), strict=True))
        learns = [last[layer] == 0 or layer.bias is not None for layer in layers]
        frozen = [layer.weight for layer in layers if last[layer] > 0 and layer.bias is not None and layer.weight]
        return TrainSpec(
            self.name,
            skip_zeros=True,
            skip=NeverSkip(),
            selections=tuple(KeepAll() if learns_it else None for learns_it in learns),
            frozen=tuple(frozen),
        )
