"""CIFAR-10: 50,000 + 10,000 colour images of 32×32 (Krizhevsky, "Learning Multiple Layers of Features from Tiny
Images", 2009).

Address: the author's. Size and hash: those that Keras checks against.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tinyprop.data.cifar_batches import batches_of, joined, names_of, samples_of
from tinyprop.data.compact import read_jpegs
from tinyprop.data.loader import COMPACT, OFFICIAL, DataFile, Edition, First, Loader, Parts

ARCHIVE = DataFile(
    "cifar-10-python.tar.gz",
    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    170_498_071,
)
FOLDER, META, TEST = "cifar-10-batches-py", "batches.meta", "test_batch"
TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))


@dataclass(frozen=True)
class Cifar10(Loader):
    """x (N, 3, 32, 32) in −1 … 1."""

    name: ClassVar[str] = "cifar10"
    title: ClassVar[str] = "CIFAR-10"
    summary: ClassVar[str] = "60,000 colour images, 32×32, 10 classes"

    def editions(self) -> tuple[Edition, ...]:
        """The archive of python batches; JPEG copies."""
        copies = "colour images, 32×32, official split, as JPEG copies: not bit-exact, results differ a little"
        batches = "the python batches of CIFAR-10"
        arrays = "jpeg_train, offsets_train, y_train and the same for test, and classes, images 32×32"
        exact = (self.name, self.title, "colour images, 32×32, official split", self.name)
        jpeg = (self.name, f"{self.title}, JPEG copies", copies, self.name)
        return (
            Edition(OFFICIAL, *exact, (ARCHIVE,), batches, read_official),
            Edition(COMPACT, *jpeg, (DataFile("cifar10_full_jpeg.npz"),), arrays, read_compact, kept_as=repr(self)),
        )


def read_official(paths: tuple[Path, ...], first: First) -> Parts:
    """The archive; the five batches in their order."""
    batches = batches_of(paths[0], FOLDER, (*TRAIN, TEST, META))
    train = joined((samples_of(batches[name], b"labels", name) for name in TRAIN), first.train)
    test = joined([samples_of(batches[TEST], b"labels", TEST)], first.test)
    return Parts(train, test, names_of(batches[META], b"label_names", META))


def read_compact(paths: tuple[Path, ...], first: First) -> Parts:
    """JPEG files, joined."""
    return read_jpegs(paths[0], first, 32)
