"""Everything the PyTorch benchmark decides: networks, the batch, shares that are skipped, steps, rounds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import nn

from tinyprop.bench.networks import CnnS
from tinyprop.models import ResNet8


@dataclass(frozen=True)
class PytorchNetwork:
    """make: the network on samples of input_shape, with `classes` outputs. steps: in each block that is timed.

    aim: how many times dense training's step a method at its defaults may take, None: as it comes. It is printed,
    nothing fails.
    """

    make: Callable[[], nn.Module]
    input_shape: tuple[int, ...]
    classes: int
    steps: int
    aim: float | None


NETWORKS: Mapping[str, PytorchNetwork] = {
    "CNN-S": PytorchNetwork(CnnS, (1, 16, 16), 10, steps=10, aim=1.4),
    "ResNet-8": PytorchNetwork(ResNet8, (3, 32, 32), 10, steps=1, aim=None),
}

BY_LOSS = ("loss_skip", "ours")  # methods whose tau sets how much of a batch is skipped


@dataclass(frozen=True)
class PytorchConfig:
    """batch: samples in a step, so many that each share of it leaves one.

    percents: of the batch that `BY_LOSS` is made to skip, beside its defaults; rounded up to whole samples.
    rounds: in each, every row trains one block; many short ones, since a row is compared with dense within a round.
    """

    networks: tuple[str, ...] = tuple(NETWORKS)
    batch: int = 64
    percents: tuple[int, ...] = (60, 80)
    rounds: int = 30
    seed: int = 0
