"""Speech Commands v0.02 as features: ten words, other words, silence (Warden, arXiv:1804.03209, 2018).

`group` is who speaks: the speaker's id in the file names, read as a hexadecimal number. Each clip in which nobody
speaks is a group of its own, below zero. Clips as they were recorded: `tinyprop.data.audio`.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from tinyprop.data.compact import arrays_of, class_names, labels_of
from tinyprop.data.damage import named
from tinyprop.data.loader import COMPACT, DataFile, Edition, First, Loader, Parts
from tinyprop.data.samples import Samples
from tinyprop.errors import unknown_name
from tinyprop.features import FEATURES

FOLDER = "speech_commands"
# Features by name → the arrays of the compact file that hold them.
COMPACT_ARRAYS = {"mfcc": "mfcc", "log_mel": "logmel"}
SILENT = "sil_"  # begins the speaker of a clip in which nobody speaks


@dataclass(frozen=True)
class SpeechFeatures(Loader):
    """x (N, 1, frames, values): (N, 1, 49, 10) of `mfcc`, (N, 1, 49, 40) of `log_mel`; as the device computes them.

    features: a name in FEATURES of `tinyprop.features`.
    """

    name: ClassVar[str] = "speech_commands"
    title: ClassVar[str] = "Speech Commands"
    summary: ClassVar[str] = "ten words, other words and silence, by who speaks; the compact arrays hold a part of them"

    features: str = "mfcc"

    def __post_init__(self) -> None:
        if self.features not in FEATURES:
            raise unknown_name("features", self.features, FEATURES)

    def editions(self) -> tuple[Edition, ...]:
        """Features of the archive of test clips."""
        if self.features not in COMPACT_ARRAYS:
            return ()
        part = (
            f"{self.features} of 4,769 clips, 239 speakers, those of test are new: the published test clips in a split "
            "of our own, not comparable with published accuracies"
        )
        compact = (self._filed_as("speech_commands_part"), f"{self.title}, a part", part, FOLDER)
        stored = COMPACT_ARRAYS[self.features]
        scale = ", logmel_min, logmel_step" if stored == "logmel" else ""
        arrays = f"{stored}_train, y_train, speaker_train, the same for test, and classes{scale}"
        read = partial(read_compact, stored=stored, values=FEATURES[self.features].values)
        return (Edition(COMPACT, *compact, (DataFile("speech_features.npz"),), arrays, read),)

    def _filed_as(self, name: str) -> str:
        """Results on other features are other results."""
        return name if self.features == type(self).features else f"{name}_{self.features}"


def read_compact(paths: tuple[Path, ...], first: First, *, stored: str, values: int) -> Parts:
    """mfcc (N, frames, values) float16, or logmel uint8, which is value = stored * logmel_step + logmel_min."""
    path = paths[0]
    (classes,) = arrays_of(path, "classes")
    low, step = _scale(path) if stored == "logmel" else (None, None)
    silent: list[str] = []

    def part(name: str, count: int | None) -> Samples:
        x, y, speaker = arrays_of(path, f"{stored}_{name}", f"y_{name}", f"speaker_{name}")
        kind = np.float16 if low is None else np.uint8
        if x.ndim != 3 or x.shape[2] != values or x.dtype != kind:
            raise ValueError(f"{stored}_{name} is {x.shape} {x.dtype}, not (clips, frames, {values}) {np.dtype(kind)}")
        labels, group = labels_of(y, len(x), f"y_{name}"), _speakers(speaker, len(x), name, silent)
        wide = x[:count].astype(np.float32)
        if low is not None and step is not None:
            wide = wide * step + low
        if not np.isfinite(wide).all():
            raise ValueError(f"not all of {stored}_{name} is finite")
        return Samples(wide[:, None], labels[:count], group[:count])

    train = part("train", first.train)
    # The archive's own folders of silence and of other words begin and end with '_'.
    return Parts(train, part("test", first.test), tuple(one.strip("_") for one in class_names(classes)))


def _scale(path: Path) -> list[np.float32]:
    with named("logmel_min or logmel_step"):
        scale = [np.float32(one.item()) for one in arrays_of(path, "logmel_min", "logmel_step")]
        if not np.isfinite(scale).all():
            raise ValueError("is not finite")
        return scale


def _speakers(speaker: np.ndarray, count: int, part: str, silent: list[str]) -> np.ndarray:
    """Who speaks, (N,) int64; silent: names of clips in which nobody does, the first of them is group −1."""
    if speaker.shape != (count,) or speaker.dtype.kind != "U":
        raise ValueError(f"speaker_{part} is {speaker.shape} {speaker.dtype}, not {count:,} names")
    with named(f"speaker_{part}"):
        group = np.empty(count, np.int64)
        for index, one in enumerate(speaker.tolist()):
            if one.startswith(SILENT):
                silent.append(one)
                group[index] = -len(silent)
            else:
                group[index] = int(one, 16)
        return group
