"""Everything the host benchmark decides: networks, how many steps a block has, how many rounds there are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import nn

from tinyprop.bench.networks import CnnS, MlpL, MlpS
from tinyprop.models import DsCnn, LeNet5


@dataclass(frozen=True)
class HostNetwork:
    """make: the PyTorch network on samples of input_shape, with `classes` outputs.

    epochs: how often a block goes through the samples, so that no block is too short to be timed.
    aim: how many times faster than PyTorch's step ours should be, None: as it comes. It is printed, nothing fails.
    """

    make: Callable[[], nn.Module]
    input_shape: tuple[int, ...]
    classes: int
    epochs: int
    aim: int | None


NETWORKS: Mapping[str, HostNetwork] = {
    "MLP-S": HostNetwork(MlpS, (1, 8, 8), 10, epochs=64, aim=200),
    "MLP-L": HostNetwork(MlpL, (1, 28, 28), 10, epochs=32, aim=None),
    "CNN-S": HostNetwork(CnnS, (1, 16, 16), 10, epochs=8, aim=20),
    "LeNet-5": HostNetwork(LeNet5, (1, 28, 28), 10, epochs=2, aim=10),
    "DS-CNN": HostNetwork(DsCnn, (1, 49, 10), 12, epochs=1, aim=5),
}


@dataclass(frozen=True)
class HostConfig:
    """samples: random ones, of which the first `checked` are trained on to see that all train alike.

    rounds: in each, every trainer trains one block, from the same weights.
    """

    networks: tuple[str, ...] = tuple(NETWORKS)
    trainers: tuple[str, ...] | None = None
    samples: int = 64
    rounds: int = 15
    rate: float = 0.001
    seed: int = 0
