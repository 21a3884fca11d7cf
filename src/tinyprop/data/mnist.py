"""MNIST: 60,000 + 10,000 handwritten digits of 28×28 (LeCun, Cortes, Burges).

The address is the mirror that torchvision uses; the original site no longer serves the files. Sizes and hashes are
those that TensorFlow Datasets checks against (url_checksums/mnist.txt).
"""

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from tinyprop.data.compact import arrays_of, labels_of
from tinyprop.data.damage import named
from tinyprop.data.loader import COMPACT, OFFICIAL, DataFile, Edition, First, Loader, Parts
from tinyprop.data.samples import Samples

MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist/"
FILES = tuple(
    DataFile(name, MIRROR + name, sha256, size)
    for name, sha256, size in (
        (
            "train-images-idx3-ubyte.gz",
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            9_912_422,
        ),
        ("train-labels-idx1-ubyte.gz", "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28_881),
        ("t10k-images-idx3-ubyte.gz", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1_648_877),
        ("t10k-labels-idx1-ubyte.gz", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4_542),
    )
)
CLASSES = tuple(map(str, range(10)))
SIDE = 28


@dataclass(frozen=True)
class Mnist(Loader):
    """x (N, 1, 28, 28) in 0 … 1: black is exactly zero."""

    name: ClassVar[str] = "mnist"
    title: ClassVar[str] = "MNIST"
    summary: ClassVar[str] = "70,000 handwritten digits, 28×28, grey"

    def editions(self) -> tuple[Edition, ...]:
        """The four idx files; a compact file of the same pixels."""
        about = (self.name, self.title, "handwritten digits, 28×28, official split", self.name)
        idx = "four idx files of 28×28 images and their labels"
        arrays = "x_train, y_train, x_test, y_test, images 28×28 uint8"
        return (
            Edition(OFFICIAL, *about, FILES, idx, read_official),
            Edition(COMPACT, *about, (DataFile("mnist.npz"),), arrays, read_compact),
        )


def read_official(paths: tuple[Path, ...], first: First) -> Parts:
    """The four files, in the order of FILES."""
    train_images, train_labels, test_images, test_labels = (read_idx(path) for path in paths)
    train = _part(train_images, train_labels, first.train, paths[0].name)
    return Parts(train, _part(test_images, test_labels, first.test, paths[2].name), CLASSES)


def read_compact(paths: tuple[Path, ...], first: First) -> Parts:
    """One file, x (N, 28, 28) uint8."""
    x_train, y_train, x_test, y_test = arrays_of(paths[0], "x_train", "y_train", "x_test", "y_test")
    return Parts(_part(x_train, y_train, first.train, "train"), _part(x_test, y_test, first.test, "test"), CLASSES)


def read_idx(path: Path) -> np.ndarray:
    """The array of bytes of a compressed idx file: 0, 0, type 8, number of axes, each length in big endian, the bytes.

    Raises ValueError, naming the file, for anything else, and where it is longer or shorter than it says.
    """
    with named(path.name):
        content = gzip.decompress(path.read_bytes())
        if content[:3] != b"\x00\x00\x08" or len(content) < 4:
            raise ValueError("is no idx file of bytes")
        axes, start = content[3], 4 + 4 * content[3]
        if len(content) < start:
            raise ValueError("ends inside its header")
        shape = tuple(np.frombuffer(content, ">u4", axes, 4).tolist())
        count = int(np.prod(shape, dtype=object)) if shape else 1
        if len(content) - start != count:
            raise ValueError(f"holds {len(content) - start:,} bytes, its header says {count:,}")
        return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _part(images: np.ndarray, labels: np.ndarray, count: int | None, what: str) -> Samples:
    y = labels_of(labels, len(images), f"labels of {what}")
    if images.shape != (len(y), SIDE, SIDE) or images.dtype != np.uint8:
        raise ValueError(f"images of {what} are {images.shape} {images.dtype}")
    return Samples((images[:count] / np.float32(255)).astype(np.float32)[:, None], y[:count])
