"""Speech Commands from the user's own folder, as MFCC features: nothing is downloaded, and nothing needs it."""

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from tinyprop.data import Samples
from tinyprop.data.compact import VARIABLE, compact_file
from tinyprop.errors import UserError

FILE = Path("speech_commands", "speech_features.npz")  # mfcc_train, mfcc_test (N, 49, 10); y_train, y_test (N,)


def speech_file() -> Path | None:
    """The file of features in the folder that TINYPROP_DATA names, or None where there is none."""
    return compact_file(FILE)


def load_speech(path: Path, *, train: int, test: int) -> tuple[Samples, Samples]:
    """The first `train` and `test` clips, whose speakers differ: x (N, 1, 49, 10) float32, y (N,) int64.

    Each coefficient has mean 0 and standard deviation 1 over the training part. Raises UserError when the file is not
    what it should be.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            parts = [(arrays[f"mfcc_{part}"], arrays[f"y_{part}"]) for part in ("train", "test")]
    except (BadZipFile, EOFError, KeyError, OSError, ValueError) as error:
        raise UserError(
            f"'{path}' cannot be read as Speech Commands ({error}): it must hold mfcc_train, y_train, mfcc_test, "
            f"y_test, features 49×10; replace it, or unset {VARIABLE} to use a stand-in."
        ) from error
    if any(x.shape != (len(y), 49, 10) for x, y in parts):
        raise UserError(f"'{path}' holds features of shape {parts[0][0].shape}, not (clips, 49, 10): replace it.")
    learned = parts[0][0].astype(np.float32)
    mean, deviation = learned.mean(axis=(0, 1)), learned.std(axis=(0, 1))
    (x_train, y_train), (x_test, y_test) = (((x.astype(np.float32) - mean) / deviation, y) for x, y in parts)
    return _first(x_train, y_train, train), _first(x_test, y_test, test)


def _first(x: np.ndarray, y: np.ndarray, count: int) -> Samples:
    """`count` clips in an order that mixes the classes, the same every time."""
    chosen = np.random.default_rng(0).permutation(len(y))[:count]
    return Samples(x[chosen][:, None].astype(np.float32), y[chosen].astype(np.int64))
