"""What a network hears of clips: their features as the device computes them."""

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np

from tinyprop.features import Features, extract

BLOCK = 64  # clips at a time: their frames stay small


def heard(settings: Features, clips: Iterable[np.ndarray]) -> np.ndarray:
    """(N, rows, values) float32 of N clips of int16 samples, read as they come.

    Raises UserError for a clip that is too short for a row, ValueError where clips differ in length.
    """
    done = [extract(settings, block) for block in _blocks(iter(clips))]
    if len({features.shape[1:] for features in done}) > 1:
        raise ValueError("its clips are of different lengths")
    return np.concatenate(done) if done else np.empty((0, 0, settings.values), np.float32)


def _blocks(clips: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    while block := list(islice(clips, BLOCK)):
        if len({len(clip) for clip in block}) > 1:
            raise ValueError("its clips are of different lengths")
        yield np.stack(block)
