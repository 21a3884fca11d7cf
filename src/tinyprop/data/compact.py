"""Compact arrays: one .npz a set in the folder that TINYPROP_DATA names, as small as real data can be had.

`x_train`, `y_train`, `x_test`, `y_test`, `classes`; or, for images, `jpeg_train` (all JPEG files joined) and
`offsets_train` (image i is `jpeg_train[offsets_train[i]:offsets_train[i + 1]]`) instead of `x_train`, and so for test.
"""

import os
from itertools import pairwise
from pathlib import Path

import numpy as np

from tinyprop.data.damage import named
from tinyprop.data.images import channels_first, decoded, signed
from tinyprop.data.loader import First, Parts
from tinyprop.data.samples import Samples

VARIABLE = "TINYPROP_DATA"


def compact_folder() -> Path | None:
    """The folder that TINYPROP_DATA names, or None."""
    folder = os.environ.get(VARIABLE)
    return Path(folder) if folder else None


def arrays_of(path: Path, *names: str) -> list[np.ndarray]:
    """The arrays of a .npz, in that order. Raises ValueError where one is missing, damaged, or would need pickle."""
    with named(path.name), np.load(path, allow_pickle=False) as arrays:
        return [arrays[name] for name in names]


def read_jpegs(path: Path, first: First, side: int) -> Parts:
    """Images of side × side as x (N, 3, side, side) in −1 … 1. Raises ValueError, naming file and image."""
    (classes,) = arrays_of(path, "classes")
    train, test = (_jpegs(path, part, count, side) for part, count in (("train", first.train), ("test", first.test)))
    return Parts(train, test, class_names(classes))


def class_names(names: np.ndarray) -> tuple[str, ...]:
    """As text. Raises ValueError for anything but a list of text."""
    if names.ndim != 1 or names.dtype.kind != "U":
        raise ValueError(f"classes are {names.shape} {names.dtype}, not a list of names")
    return tuple(map(str, names))


def labels_of(labels: np.ndarray, count: int, what: str) -> np.ndarray:
    """int64, one for each of `count` samples. Raises ValueError for anything else."""
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise ValueError(f"{what} are {labels.shape} {labels.dtype}, not {count:,} whole numbers")
    return labels.astype(np.int64)


def _jpegs(path: Path, part: str, count: int | None, side: int) -> Samples:
    joined, offsets, labels = arrays_of(path, f"jpeg_{part}", f"offsets_{part}", f"y_{part}")
    if joined.ndim != 1 or joined.dtype != np.uint8 or offsets.ndim != 1 or offsets.dtype.kind not in "iu":
        raise ValueError(
            f"jpeg_{part} is {joined.shape} {joined.dtype}, offsets_{part} {offsets.shape} {offsets.dtype}"
        )
    y = labels_of(labels, len(offsets) - 1, f"y_{part}")
    if offsets[0] != 0 or offsets[-1] != len(joined) or np.any(np.diff(offsets.astype(np.int64)) <= 0):
        raise ValueError(f"offsets_{part} do not divide jpeg_{part} into files")
    bounds = offsets[: None if count is None else count + 1].tolist()
    images = []
    for index, (start, end) in enumerate(pairwise(bounds)):
        with named(f"image {index} of {part}"):
            images.append(decoded(joined[start:end].tobytes()))
            if images[-1].shape != (side, side, 3):
                raise ValueError(f"is {images[-1].shape}, not {(side, side, 3)}")
    return Samples(signed(channels_first(images)), y[:count])
