"""A way to train a network on this machine, one sample at a time: what all of them answer."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from tinyprop.data import Samples


@dataclass(frozen=True)
class Task:
    """What is trained: a network with its starting weights, batch norm folded, on samples of one shape at one rate."""

    name: str
    module: nn.Module
    samples: Samples
    rate: float


class HostTrainer(ABC):
    """Made from a Task; everything that happens once per network happens then, and is not timed.

    planned_bytes: what a step needs in RAM, weights and sample included, by the trainer's own memory plan; None where
    there is no plan.
    """

    planned_bytes: int | None = None

    @abstractmethod
    def train(self, epochs: int) -> Sequence[object]:
        """SGD, one step per sample, all samples in order, `epochs` times; the losses, anything that is a float."""

    @abstractmethod
    def weights(self) -> Mapping[str, np.ndarray]:
        """The weights as they are now, by the names of the state_dict."""

    @abstractmethod
    def reset(self) -> None:
        """Back to the starting weights."""
