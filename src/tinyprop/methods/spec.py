"""TrainSpec: what a method says about a network, as data. NumPy rules, cost model and C engine all obey it."""

from dataclasses import dataclass

from tinyprop.methods.looks import Looks
from tinyprop.methods.rules.keep_above import KeepAbove
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.keep_channels import KeepChannels
from tinyprop.methods.rules.keep_diffused import KeepDiffused
from tinyprop.methods.rules.keep_memorised import KeepMemorised
from tinyprop.methods.rules.keep_moving import KeepMoving
from tinyprop.methods.rules.keep_random import KeepRandom
from tinyprop.methods.rules.keep_ratio import KeepRatio
from tinyprop.methods.rules.keep_steered import KeepSteered
from tinyprop.methods.rules.never_skip import NeverSkip
from tinyprop.methods.rules.skip_by_error import SkipByError
from tinyprop.methods.rules.skip_by_loss import SkipByLoss

Selection = (
    KeepAll
    | KeepRatio
    | KeepAbove
    | KeepChannels
    | KeepDiffused
    | KeepMemorised
    | KeepMoving
    | KeepRandom
    | KeepSteered
)
SkipRule = NeverSkip | SkipByError | SkipByLoss


@dataclass(frozen=True)
class LayerInfo:
    """What a method may know of a trainable layer. n: outputs before activation and pooling; parameters: how many.

    positions: entries of δ, as stored, in a channel of the output, all of which its weights learn from; 1 in a dense
    layer.

    per_channel: each output channel reads one input channel only, as in a depthwise convolution or a batch norm that
    trains: an entry of δ costs few multiply-adds.
    macs: multiply-adds of its backward pass, every value computed: of the gradient, and of the error sent below.
    scaled_by: the batch norm directly behind this layer, where one trains there: but for a scale per channel both have
    one δ.
    weight, bias: names of its parameters in the state_dict, None where there is none that trains.
    """

    name: str
    n: int
    parameters: int
    positions: int = 1
    per_channel: bool = False
    macs: tuple[int, int] = (0, 0)
    scaled_by: str | None = None
    weight: str | None = None
    bias: str | None = None


def depths(layers: tuple[LayerInfo, ...]) -> tuple[int, ...]:
    """p of each layer: how many trainable layers lie above, a layer and the batch norm that scales it taken as one."""
    found: dict[str, int] = {}
    above = 0
    for layer in reversed(layers):
        if layer.scaled_by in found:
            found[layer.name] = found[layer.scaled_by]
        else:
            found[layer.name] = above
            above += 1
    return tuple(found[layer.name] for layer in layers)


def selecting(layers: tuple[LayerInfo, ...]) -> tuple[bool, ...]:
    """Where a selection may pay below a dense output layer: in each layer whose channels mix.

    Where they do not, an entry of δ costs less than finding out whether it is needed (docs/decisions/0015).
    """
    return tuple(p > 0 and not layer.per_channel for p, layer in zip(depths(layers), layers, strict=True))


@dataclass(frozen=True)
class TrainSpec:
    """One entry of `selections` per layer, in forward order; None: the layer never trains (frozen).

    skip_zeros: leave out exact zeros of δ, and of what a dense layer reads. False computes every value, as plain
    training does.
    skip_zero_inputs: of the network's own input too; counts only together with skip_zeros.
    The trained weights are the same either way.
    frozen: names of parameters that never change although something of their layer trains.
    looks: when the network is run on samples that it keeps, for selections that remember responses; None: never.
    """

    method: str
    skip_zeros: bool
    skip: SkipRule
    selections: tuple[Selection | None, ...]
    skip_zero_inputs: bool = False
    frozen: tuple[str, ...] = ()
    looks: Looks | None = None
