"""Everything the run of the networks on boards decides: which network on which board, what trains, how many steps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import nn

from tinyprop.bench.benchmark.config import SKIPS_ALL
from tinyprop.bench.networks import MlpS
from tinyprop.bench.reported_methods import REPORTED
from tinyprop.methods import Method
from tinyprop.models import MODELS

MNIST, SPEECH, CIFAR10, DIGITS, PATTERNS = "mnist", "speech_commands", "cifar10", "digits", "patterns"


@dataclass(frozen=True)
class BoardNetwork:
    """make: the PyTorch network on samples of input_shape, with `classes` outputs, or targets for the loss "mse".

    data: what it learns from where the user has it, else PATTERNS; rate: of learning, for every method alike.
    pretrain_batches: of 32 samples each.
    """

    make: Callable[[], nn.Module]
    input_shape: tuple[int, ...]
    classes: int
    data: str
    rate: float
    pretrain_batches: int = 60
    loss: str = "cross_entropy"


@dataclass(frozen=True)
class Placement:
    """One network on one board. trainable: modules that train, None for all; steps: training steps of each case."""

    network: str
    board: str
    trainable: tuple[str, ...] | None = None
    steps: int = 4

    @property
    def trains(self) -> str:
        """For readers."""
        return "all" if self.trainable is None else ", ".join(self.trainable)


def _of_the_field(name: str, classes: int, data: str, rate: float, batches: int = 60) -> BoardNetwork:
    card = MODELS[name]
    return BoardNetwork(card.make, card.input_shape, classes, data, rate, batches, card.loss)


NETWORKS: Mapping[str, BoardNetwork] = {
    "mlp": BoardNetwork(MlpS, (1, 8, 8), 10, DIGITS, 0.01),
    "lenet5": _of_the_field("lenet5", 10, MNIST, 0.005),
    "ds_cnn": _of_the_field("ds_cnn", 12, SPEECH, 0.005),
    "resnet8": _of_the_field("resnet8", 10, CIFAR10, 0.005, 30),
    "mobilenet_v1": _of_the_field("mobilenet_v1", 2, PATTERNS, 0.005, 8),
    "mobilenet_v2": _of_the_field("mobilenet_v2", 10, CIFAR10, 0.005, 10),
    "autoencoder": _of_the_field("autoencoder", 640, PATTERNS, 0.005),
}

# What trains where not everything fits: from the end of the network, as much as the board holds.
DS_CNN_LAST_BLOCK = ("features.21", "features.24", "classifier")
RESNET8_BUT_TWO = ("blocks.0.body.3", "blocks.1", "blocks.2", "classifier")
MOBILENET_V2_END = ("features.18", "features.19", "features.20", "classifier")

PLACEMENTS: tuple[Placement, ...] = (
    Placement("mlp", "nucleo-l4r5zi", steps=20),
    Placement("lenet5", "nucleo-l4r5zi", steps=20),
    Placement("ds_cnn", "nucleo-l4r5zi", steps=10),
    Placement("resnet8", "nucleo-l4r5zi", RESNET8_BUT_TWO),
    Placement("resnet8", "apollo4p-evb"),
    Placement("mobilenet_v1", "apollo4p-evb"),
    Placement("mobilenet_v2", "apollo4p-evb", MOBILENET_V2_END),
    Placement("autoencoder", "apollo4p-evb", steps=20),
    Placement("mlp", "rp2040", steps=20),
    Placement("ds_cnn", "rp2040", DS_CNN_LAST_BLOCK, steps=3),
    Placement("mlp", "esp32c3", steps=20),
    Placement("ds_cnn", "esp32c3", DS_CNN_LAST_BLOCK, steps=3),
)

SKIPPED = "skipped"
CASES: Mapping[str, Method] = {**{name: method() for name, method in REPORTED.items()}, SKIPPED: SKIPS_ALL}


@dataclass(frozen=True)
class OnBoardsConfig:
    """seed: of pretraining, and of the stand-in for data. toolchains: gcc takes part where it is installed."""

    placements: tuple[Placement, ...] = PLACEMENTS
    cases: tuple[str, ...] = field(default_factory=lambda: tuple(CASES))
    toolchains: tuple[str, ...] = ("zig", "gcc")
    seed: int = 0
    processes: int = 2
