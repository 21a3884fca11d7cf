"""CIFAR-10 from the user's own folder, as JPEG copies: nothing is downloaded, and nothing needs it."""

from io import BytesIO
from itertools import pairwise
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from PIL import Image, UnidentifiedImageError

from tinyprop.bench.digits import Samples
from tinyprop.bench.mnist import FOLDER_VARIABLE, data_file
from tinyprop.errors import UserError

# jpeg_train: all files joined, image i from offsets_train[i] to offsets_train[i + 1]; y_train (N,); likewise for test
FILE = Path("cifar10", "cifar10_full_jpeg.npz")


def cifar10_file() -> Path | None:
    """The file of images in the folder that TINYPROP_DATA names, or None where there is none."""
    return data_file(FILE)


def load_cifar10(path: Path, *, train: int, test: int) -> tuple[Samples, Samples]:
    """The first `train` and `test` images of the official parts: x (N, 3, 32, 32) float32 in -1 … 1, y (N,) int64.

    Raises UserError when the file is not what it should be.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            learned, unseen = (
                _decoded(arrays[f"jpeg_{part}"], arrays[f"offsets_{part}"][: count + 1], arrays[f"y_{part}"][:count])
                for part, count in (("train", train), ("test", test))
            )
    except (BadZipFile, EOFError, KeyError, OSError, UnidentifiedImageError, ValueError) as error:
        raise UserError(
            f"'{path}' cannot be read as CIFAR-10 ({error}): it must hold jpeg_train, offsets_train, y_train and the "
            f"same for test, images 32×32; replace it, or unset {FOLDER_VARIABLE} to use a stand-in."
        ) from error
    return learned, unseen


def _decoded(joined: np.ndarray, offsets: np.ndarray, labels: np.ndarray) -> Samples:
    files = [joined[start:end].tobytes() for start, end in pairwise(offsets.tolist())]
    images = np.stack([np.asarray(Image.open(BytesIO(file)).convert("RGB")) for file in files])
    if images.shape != (len(labels), 32, 32, 3):
        raise ValueError(f"images are {images.shape}")
    x = images.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(127.5) - np.float32(1)
    return Samples(np.ascontiguousarray(x), labels.astype(np.int64))
