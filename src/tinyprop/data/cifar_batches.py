"""The python batches of CIFAR: pickles of NumPy arrays in a tar, read without running what a pickle may ask for."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tinyprop.data.archive import files_in
from tinyprop.data.compact import labels_of
from tinyprop.data.damage import named
from tinyprop.data.images import signed
from tinyprop.data.safe_pickle import unpickled
from tinyprop.data.samples import Samples

SHAPE = (3, 32, 32)  # each row of 3,072 bytes: red, green, blue, row by row


def batches_of(path: Path, folder: str, names: Iterable[str]) -> Mapping[str, Mapping[bytes, Any]]:
    """Name → what the pickle `folder`/name holds. Raises ValueError, naming the file, for damage."""
    wanted = {f"{folder}/{name}": name for name in names}
    found = {}
    for member, content in files_in(path, wanted.__contains__):
        with named(f"{path.name}: {member}"):
            batch = unpickled(content)
            if not isinstance(batch, dict):
                raise ValueError("holds no dictionary")
            found[wanted[member]] = batch
    missing = [member for member, name in wanted.items() if name not in found]
    if missing:
        raise ValueError(f"{path.name}: {', '.join(missing)} is missing")
    return found


def samples_of(batch: Mapping[bytes, Any], labels: bytes, what: str) -> tuple[np.ndarray, np.ndarray]:
    """(N, 3, 32, 32) uint8 and (N,) int64. Raises ValueError, naming the batch, for anything else."""
    with named(what):
        data, y = batch[b"data"], np.asarray(batch[labels])
        if not isinstance(data, np.ndarray) or data.shape[1:] != (np.prod(SHAPE),) or data.dtype != np.uint8:
            raise ValueError("its images are no rows of 3,072 bytes")
        return data.reshape(-1, *SHAPE), labels_of(y, len(data), "labels")


def joined(batches: Iterable[tuple[np.ndarray, np.ndarray]], count: int | None) -> Samples:
    """x (N, 3, 32, 32) in −1 … 1 of the first `count` images."""
    images, labels = zip(*batches, strict=True)
    return Samples(signed(np.concatenate(images)[:count]), np.concatenate(labels)[:count])


def names_of(batch: Mapping[bytes, Any], key: bytes, what: str) -> tuple[str, ...]:
    """The names of the classes. Raises ValueError where they are missing."""
    with named(what):
        return tuple(name.decode() for name in batch[key])
