"""CIFAR-100: 50,000 + 10,000 colour images of 32×32 in 100 classes (Krizhevsky, 2009).

Address: the author's. Size and hash: those that Keras and torchvision check against.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tinyprop.data.cifar_batches import batches_of, joined, names_of, samples_of
from tinyprop.data.compact import read_jpegs
from tinyprop.data.loader import COMPACT, OFFICIAL, DataFile, Edition, First, Loader, Parts

ARCHIVE = DataFile(
    "cifar-100-python.tar.gz",
    "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
    "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
    169_001_437,
)
FOLDER, META, TRAIN, TEST = "cifar-100-python", "meta", "train", "test"
STAND_IN = "tinyimagenet32"


@dataclass(frozen=True)
class Cifar100(Loader):
    """x (N, 3, 32, 32) in −1 … 1, the 100 fine classes."""

    name: ClassVar[str] = "cifar100"
    title: ClassVar[str] = "CIFAR-100"
    summary: ClassVar[str] = "60,000 colour images, 32×32, 100 classes; or a stand-in that bears its own name"

    def editions(self) -> tuple[Edition, ...]:
        """The archive of python batches; else another set of its kind, under that set's own name."""
        exact = (self.name, self.title, "colour images, 32×32, 100 classes, official split", self.name)
        title = "Tiny-ImageNet 32×32, 100 classes (stand-in for CIFAR-100)"
        summary = "a stand-in for CIFAR-100, not CIFAR-100: the first 100 classes of Tiny-ImageNet, shrunk to 32×32"
        arrays = "jpeg_train, offsets_train, y_train and the same for test, and classes, images 32×32"
        files = (DataFile("tinyimagenet32_100c_full_jpeg.npz"),)
        batches = "the python batches of CIFAR-100"
        return (
            Edition(OFFICIAL, *exact, (ARCHIVE,), batches, read_official),
            Edition(COMPACT, STAND_IN, title, summary, STAND_IN, files, arrays, read_compact, self.name, repr(self)),
        )


def read_official(paths: tuple[Path, ...], first: First) -> Parts:
    """The archive."""
    batches = batches_of(paths[0], FOLDER, (TRAIN, TEST, META))
    train = joined([samples_of(batches[TRAIN], b"fine_labels", TRAIN)], first.train)
    test = joined([samples_of(batches[TEST], b"fine_labels", TEST)], first.test)
    return Parts(train, test, names_of(batches[META], b"fine_label_names", META))


def read_compact(paths: tuple[Path, ...], first: First) -> Parts:
    """JPEG files of the stand-in, joined."""
    return read_jpegs(paths[0], first, 32)
