"""What the networks learn from: real data where the user has them, elsewhere a stand-in that says so."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinyprop.bench.cifar10 import cifar10_file, load_cifar10
from tinyprop.bench.digits import Samples, rotated
from tinyprop.bench.mnist import load_mnist, mnist_file
from tinyprop.bench.on_boards.config import CIFAR10, DIGITS, MNIST, PATTERNS, SPEECH, BoardNetwork
from tinyprop.bench.pretraining import BATCH
from tinyprop.bench.speech_commands import load_speech, speech_file

NOISE = 0.5  # standard deviation, beside patterns of deviation 1

Load = Callable[..., tuple[Samples, Samples]]
READERS: Mapping[str, tuple[Callable[[], Path | None], Load, str]] = {
    MNIST: (mnist_file, load_mnist, "MNIST"),
    SPEECH: (speech_file, load_speech, "Speech Commands, 12 words as 49×10 MFCC, speakers that are new"),
    CIFAR10: (cifar10_file, load_cifar10, "CIFAR-10, JPEG copies"),
}


@dataclass(frozen=True)
class BoardData:
    """pretrain: learned in PyTorch; unseen: learned one at a time on the board. summary: for readers."""

    source: str
    summary: str
    pretrain: Samples
    unseen: Samples


def board_data(network: BoardNetwork, steps: int, seed: int) -> BoardData:
    """pretrain_batches of 32 samples and `steps` unseen ones. Raises UserError when a file of data is damaged."""
    count = network.pretrain_batches * BATCH
    if network.data == DIGITS:
        scenario = rotated()
        return BoardData(DIGITS, f"scikit-learn digits, {scenario.summary}", scenario.pretrain, scenario.field)
    if network.data in READERS:
        find, load, summary = READERS[network.data]
        path = find()
        if path is not None:
            return BoardData(network.data, summary, *load(path, train=count, test=steps))
    learned, unseen = _patterns(network, count, steps, np.random.default_rng(seed))
    return BoardData(PATTERNS, "random patterns with noise, a stand-in for data", learned, unseen)


def _patterns(network: BoardNetwork, learned: int, unseen: int, rng: np.random.Generator) -> tuple[Samples, Samples]:
    """One random pattern per class, at most sixteen, and noise; a loss that learns targets is given the samples."""
    kinds = min(network.classes, 16)
    patterns = rng.standard_normal((kinds, *network.input_shape)).astype(np.float32)

    def drawn(count: int) -> Samples:
        y = rng.integers(0, kinds, count)
        noise = rng.standard_normal((count, *network.input_shape)).astype(np.float32)
        x = patterns[y] + np.float32(NOISE) * noise
        return Samples(x, x.reshape(count, -1) if network.loss == "mse" else y)

    return drawn(learned), drawn(unseen)
