"""UCI Human Activity Recognition Using Smartphones: 30 volunteers, six activities, 50 Hz (Anguita et al., ESANN 2013).

Two forms of the same recordings: windows of 128 × 9 raw values, and 561 features computed from them. Volunteers of
train and test differ; `group` is the volunteer. Address: UCI's page, whose ZIP holds the set's own ZIP; that one
alone, from UCI's older address, is read as well. Hashes: those that several independent projects check against.
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from tinyprop.data.compact import arrays_of, class_names, labels_of
from tinyprop.data.damage import named
from tinyprop.data.loader import COMPACT, OFFICIAL, DataFile, Edition, First, Loader, Parts
from tinyprop.data.samples import Samples

INNER = "UCI HAR Dataset.zip"
WRAPPED = DataFile(
    "human+activity+recognition+using+smartphones.zip",
    "https://archive.ics.uci.edu/static/public/240/human+activity+recognition+using+smartphones.zip",
    "c00b803081a5c797cd5e4b83700a9810b38d53d9d84e01917e090e1fdbc81031",
    61_005_872,
)
BARE = DataFile(
    INNER,
    "https://archive.ics.uci.edu/ml/machine-learning-databases/00240/UCI%20HAR%20Dataset.zip",
    "2045e435c955214b38145fb5fa00776c72814f01b203fec405152dac7d5bfeb0",
    60_999_314,
)
ROOT, FOLDER = "UCI HAR Dataset", "har"
LENGTH = 128  # values a window, 2.56 s
SIGNALS = tuple(f"{kind}_{axis}" for kind in ("body_acc", "body_gyro", "total_acc") for axis in "xyz")
FEATURES = 561
ARCHIVE_HOLDS = "the ZIP archive of UCI HAR, with train/ and test/"


@dataclass(frozen=True)
class HarWindows(Loader):
    """x (N, 9, 128): body acceleration (g), angular velocity (rad/s), total acceleration (g), each x, y, z."""

    name: ClassVar[str] = "har_windows"
    title: ClassVar[str] = "HAR windows"
    summary: ClassVar[str] = "activities of 30 volunteers, 9 channels × 128 values at 50 Hz, 6 classes"

    def editions(self) -> tuple[Edition, ...]:
        """The official archive; windows rebuilt from a later release of the recordings."""
        official = (self.name, self.title, "activities, 9 channels × 128 values, official volunteers apart", FOLDER)
        rebuilt = "activities, 9 channels × 128 values, rebuilt from the raw recordings: not the official windows"
        compact = (self.name, f"{self.title}, rebuilt", rebuilt, FOLDER)
        arrays = "x_train (N, 128, 9) int16, y_train, subject_train, the same for test, classes, scale"
        return (
            Edition(OFFICIAL, *official, (WRAPPED,), ARCHIVE_HOLDS, read_windows),
            Edition(OFFICIAL, *official, (BARE,), ARCHIVE_HOLDS, read_windows),
            Edition(COMPACT, *compact, (DataFile("har_windows128x9.npz"),), arrays, read_compact_windows),
        )


@dataclass(frozen=True)
class HarFeatures(Loader):
    """x (N, 561), or (N, 265) where only those of the time domain were to be had; each in −1 … 1."""

    name: ClassVar[str] = "har_features"
    title: ClassVar[str] = "HAR features"
    summary: ClassVar[str] = "the same recordings as 561 features, 6 classes"

    def editions(self) -> tuple[Edition, ...]:
        """The official archive; the 265 features of the time domain."""
        official = (self.name, self.title, "activities, 561 features, official volunteers apart", FOLDER)
        some = "activities, 265 of the 561 features (time domain only), official volunteers apart"
        compact = (self.name, f"{self.title}, 265 of 561", some, FOLDER)
        arrays = "x_train (N, 265), y_train, subject_train, the same for test, and classes"
        return (
            Edition(OFFICIAL, *official, (WRAPPED,), ARCHIVE_HOLDS, read_features),
            Edition(OFFICIAL, *official, (BARE,), ARCHIVE_HOLDS, read_features),
            Edition(COMPACT, *compact, (DataFile("har_features265.npz"),), arrays, read_compact_features),
        )


def read_windows(paths: tuple[Path, ...], first: First) -> Parts:
    """Windows of the archive."""

    def windows(texts: "Texts", part: str) -> np.ndarray:
        signals = [texts.table(f"{part}/Inertial Signals/{name}_{part}.txt", LENGTH) for name in SIGNALS]
        if len({len(signal) for signal in signals}) > 1:
            raise ValueError(f"the signals of {part} have different numbers of windows")
        return np.stack(signals, axis=1)

    with _texts(paths[0]) as texts:
        return _parts(texts, {part: windows(texts, part) for part in ("train", "test")}, first)


def read_features(paths: tuple[Path, ...], first: First) -> Parts:
    """Features of the archive."""
    with _texts(paths[0]) as texts:
        x = {part: texts.table(f"{part}/X_{part}.txt", FEATURES) for part in ("train", "test")}
        return _parts(texts, x, first)


def read_compact_windows(paths: tuple[Path, ...], first: First) -> Parts:
    """x (N, 128, 9) int16; in units when divided by `scale` (9,)."""
    path = paths[0]
    classes, scale = arrays_of(path, "classes", "scale")
    if scale.shape != (len(SIGNALS),) or not np.all(scale > 0):
        raise ValueError(f"scale is {scale.shape}, not {len(SIGNALS)} numbers above 0")

    def part(name: str, count: int | None) -> Samples:
        stored, y, subject = arrays_of(path, f"x_{name}", f"y_{name}", f"subject_{name}")
        if stored.shape[1:] != (LENGTH, len(SIGNALS)) or stored.dtype != np.int16:
            raise ValueError(f"x_{name} is {stored.shape} {stored.dtype}")
        x = stored[:count].astype(np.float32) / scale.astype(np.float32)
        return _samples(np.ascontiguousarray(x.transpose(0, 2, 1)), y, subject, count, len(stored), name)

    return Parts(part("train", first.train), part("test", first.test), class_names(classes))


def read_compact_features(paths: tuple[Path, ...], first: First) -> Parts:
    """x (N, 265) float32."""
    path = paths[0]
    (classes,) = arrays_of(path, "classes")

    def part(name: str, count: int | None) -> Samples:
        x, y, subject = arrays_of(path, f"x_{name}", f"y_{name}", f"subject_{name}")
        if x.ndim != 2 or x.dtype != np.float32 or not np.isfinite(x).all():
            raise ValueError(f"x_{name} is {x.shape} {x.dtype}, or not all of it is finite")
        return _samples(x[:count], y, subject, count, len(x), name)

    return Parts(part("train", first.train), part("test", first.test), class_names(classes))


@dataclass(frozen=True)
class Texts:
    """The text files of the archive."""

    archive: zipfile.ZipFile

    def __enter__(self) -> "Texts":
        return self

    def __exit__(self, *_failure: object) -> None:
        self.archive.close()

    def lines(self, name: str) -> list[str]:
        """Of a file. Raises ValueError, naming it, where it is missing or damaged."""
        with named(f"{ROOT}/{name}"):
            return self.archive.read(f"{ROOT}/{name}").decode("ascii").splitlines()

    def table(self, name: str, columns: int) -> np.ndarray:
        """(N, columns) float32, all finite. Raises ValueError, naming the file, for anything else."""
        lines = self.lines(name)
        with named(f"{ROOT}/{name}"):
            values = np.loadtxt(lines, np.float32, ndmin=2) if lines else np.empty((0, columns), np.float32)
            if values.shape[1] != columns:
                raise ValueError(f"has {values.shape[1]} columns, not {columns}")
            if not np.isfinite(values).all():
                raise ValueError("holds a number that is not finite")
            return values

    def whole_numbers(self, name: str) -> np.ndarray:
        """(N,) int64."""
        lines = self.lines(name)
        with named(f"{ROOT}/{name}"):
            return np.array([int(line) for line in lines], np.int64)

    def activities(self) -> Mapping[int, str]:
        """The number in the label files → name, in their order."""
        with named(f"{ROOT}/activity_labels.txt"):
            rows = [line.split() for line in self.lines("activity_labels.txt") if line.strip()]
            return {int(number): name for number, name in rows}


def _texts(path: Path) -> Texts:
    with named(path.name):
        archive = zipfile.ZipFile(path)
        if INNER in archive.namelist():
            archive = zipfile.ZipFile(io.BytesIO(archive.read(INNER)))
        return Texts(archive)


def _parts(texts: Texts, x: Mapping[str, np.ndarray], first: First) -> Parts:
    names = texts.activities()
    if sorted(names) != list(range(1, len(names) + 1)):
        raise ValueError(f"activity_labels.txt numbers its activities {sorted(names)}, not from 1 on")

    def part(name: str, count: int | None) -> Samples:
        y, subject = (texts.whole_numbers(f"{name}/{kind}_{name}.txt") for kind in ("y", "subject"))
        return _samples(x[name][:count], y - 1, subject, count, len(x[name]), name)

    return Parts(part("train", first.train), part("test", first.test), tuple(names[key] for key in sorted(names)))


def _samples(x: np.ndarray, y: np.ndarray, subject: np.ndarray, count: int | None, rows: int, part: str) -> Samples:
    labels = labels_of(y, rows, f"labels of {part}")
    return Samples(x, labels[:count], labels_of(subject, rows, f"volunteers of {part}")[:count])
