"""MNIST from the user's own folder: nothing is downloaded, and nothing needs it."""

import os
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from tinyprop.bench.digits import Samples
from tinyprop.errors import UserError

FOLDER_VARIABLE = "TINYPROP_DATA"
FILE = Path("mnist", "mnist.npz")  # x_train, x_test (N, 28, 28) uint8; y_train, y_test (N,) uint8


def data_file(name: Path) -> Path | None:
    """The file `name` in the folder that TINYPROP_DATA names, or None where there is none."""
    folder = os.environ.get(FOLDER_VARIABLE)
    path = Path(folder) / name if folder else None
    return path if path is not None and path.is_file() else None


def mnist_file() -> Path | None:
    """mnist/mnist.npz in the folder that TINYPROP_DATA names, or None where there is none."""
    return data_file(FILE)


def load_mnist(path: Path, *, train: int, test: int) -> tuple[Samples, Samples]:
    """The first `train` and `test` digits of the official parts: x (N, 1, 28, 28) float32 in 0 … 1, y (N,) int64.

    Raises UserError when the file is not what it should be.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return _part(arrays["x_train"], arrays["y_train"], train), _part(arrays["x_test"], arrays["y_test"], test)
    except (BadZipFile, EOFError, KeyError, OSError, ValueError) as error:
        raise UserError(
            f"'{path}' cannot be read as MNIST ({error}): it must hold x_train, y_train, x_test, y_test, images "
            f"28×28 uint8; replace it, or unset {FOLDER_VARIABLE} to use scikit-learn's digits."
        ) from error


def _part(images: np.ndarray, labels: np.ndarray, count: int) -> Samples:
    if images.shape != (len(labels), 28, 28) or images.dtype != np.uint8:
        raise ValueError(f"images are {images.shape} {images.dtype}")
    return Samples((images[:count] / np.float32(255)).astype(np.float32)[:, None], labels[:count].astype(np.int64))
