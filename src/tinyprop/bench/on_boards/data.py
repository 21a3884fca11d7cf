"""What the networks learn from: real data where the user has them, elsewhere a stand-in that says so."""

from dataclasses import dataclass

import numpy as np

from tinyprop.bench.digits import rotated
from tinyprop.bench.on_boards.config import DIGITS, PATTERNS, SPEECH, BoardNetwork
from tinyprop.bench.pretraining import BATCH
from tinyprop.bench.speech_commands import find_speech, load_speech
from tinyprop.data import First, Samples, find, loader_named

NOISE = 0.5  # standard deviation, beside patterns of deviation 1

SPEECH_SUMMARY = "Speech Commands, 12 words as 49×10 MFCC, speakers that are new"


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
    if network.data == SPEECH:
        speech = find_speech()
        if speech is not None:
            return BoardData(SPEECH, SPEECH_SUMMARY, *load_speech(speech, train=count, test=steps))
    elif network.data != PATTERNS:
        found = find(loader_named(network.data))
        if found is not None:
            parts = found.parts(First(count, steps))
            return BoardData(network.data, found.edition.title, parts.train, parts.test)
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
