"""Velocity: neurons whose outputs have come to rest, on the same samples look after look, are not updated (NEq)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tinyprop.methods.looks import Looks
from tinyprop.methods.method import Method
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.keep_moving import KeepMoving
from tinyprop.methods.rules.never_skip import NeverSkip
from tinyprop.methods.search_range import Range
from tinyprop.methods.spec import LayerInfo, Selection, TrainSpec, selecting


@dataclass(frozen=True)
class Velocity(Method):
    """Neurons at equilibrium: a neuron learns as long as the similarity of its outputs, look to look, still changes.

        the first `samples` of the training are kept
        every `period` steps, before the step, for each neuron i below the output layer:
            y_i = its outputs on all the samples, in one line;  ŷ_i = y_i / ‖y_i‖
            φ_i = ŷ_i·ŷ_i of the look before                   1 where both are zero, 0 where one is
            v_i = (φ_i − φ_i of the look before) − mu·v_i
            i is at equilibrium if |v_i| < eps
        forward → loss, δ_L
        W_L −= lr·δ_L ⊗ x
        for l = L−1 … 1:
            δ_{l−1} = W_lᵀ·δ_l ⊙ act'                          of all neurons
            W_l −= lr·δ_kept ⊗ x                               δ_kept: zero for neurons at equilibrium

    A neuron is an output of a dense layer, a channel of a convolution. Before the second look all of them learn.
    eps: the bar, finite, ≥ 0, 0 lets all of them learn; mu: 0 … 0.5; samples: how many, period: steps from look to
    look, both whole, 1 to 2²². Raises UserError for others.
    In RAM: the samples, `samples·inputs` floats; for each neuron of n stored outputs `samples·n + 4`. In multiply-adds:
    `samples` forward passes every `period` steps, which the counts of a step include.

    Source: Bragagnolo, Tartaglione, Grangetto, "To update or not to update? Neurons at equilibrium in deep models",
    NeurIPS 2022: its section on neuronal equilibrium; eps = 0.001 and mu = 0.5 are its choices. Its text was not at
    hand, but its formulas as others restate them, and its authors' code. That the largest |v| fill a budget
    of parameters, as in Quélennec et al., "Towards On-device Learning on the Edge", WACV workshops 2024, arXiv
    2312.05282, is not done: eps is the bar.

    Differs from the source:
    - A look every `period` steps, where it has one every epoch.
    - The first samples of the training in place of a validation set; they are learned from as well.
    - All of a neuron's outputs on all samples make one similarity; the authors' code takes the mean of a channel's
      over samples.
    - Outputs are taken behind a ReLU or max pool that is fused with the layer: there is nothing before it to take.
    - The output layer always learns; depthwise convolutions and trained batch norms, of which an entry of δ costs
      few products, always do as well.
    """

    name: ClassVar[str] = "velocity"
    title: ClassVar[str] = "velocity"
    summary: ClassVar[str] = "neurons whose outputs on a few kept samples have come to rest are not updated (NEq)"
    space: ClassVar[Mapping[str, Range]] = {
        "eps": Range(1e-4, 0.1, log=True),
        "mu": Range(0.0, 0.5),
        "samples": Range(1, 8, whole=True),
        "period": Range(5, 500, log=True, whole=True),
    }
    eps: float = 0.001
    mu: float = 0.5
    samples: int = 4
    period: int = 100

    def __post_init__(self) -> None:
        Looks(self.samples, self.period)
        KeepMoving(self.eps, self.mu, self.samples)

    def spec(self, layers: tuple[LayerInfo, ...]) -> TrainSpec:
        moving = KeepMoving(self.eps, self.mu, self.samples)
        selections: tuple[Selection, ...] = tuple(moving if s else KeepAll() for s in selecting(layers))
        looks = Looks(self.samples, self.period)
        return TrainSpec(self.name, skip_zeros=True, skip=NeverSkip(), selections=selections, looks=looks)
