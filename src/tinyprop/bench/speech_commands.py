"""Speech Commands from the user's own folder, as MFCC features: nothing is downloaded, and nothing needs it."""

import numpy as np

from tinyprop.data import Found, Samples, find, loader_named
from tinyprop.data.loader import COMPACT


def find_speech() -> Found | None:
    """The compact arrays in the folder that TINYPROP_DATA names, or None where there are none."""
    return find(loader_named("speech_commands"), COMPACT)


def load_speech(found: Found, *, train: int, test: int) -> tuple[Samples, Samples]:
    """The first `train` and `test` clips, whose speakers differ: x (N, 1, 49, 10) float32, y (N,) int64.

    Each coefficient has mean 0 and standard deviation 1 over the training part. Raises UserError when the file is not
    what it should be.
    """
    parts = found.parts()
    learned = parts.train.x[:, 0]
    mean, deviation = learned.mean(axis=(0, 1)), learned.std(axis=(0, 1))
    scaled = (Samples(((part.x - mean) / deviation), part.y, part.group) for part in (parts.train, parts.test))
    learn, unseen = (_first(part, count) for part, count in zip(scaled, (train, test), strict=True))
    return learn, unseen


def _first(samples: Samples, count: int) -> Samples:
    """`count` clips in an order that mixes the classes, the same every time."""
    return samples.of(np.random.default_rng(0).permutation(len(samples))[:count])
