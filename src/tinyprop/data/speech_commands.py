"""Speech Commands v0.02 as features: ten words, other words, silence (Warden, arXiv:1804.03209, 2018).

Address: TensorFlow's. Size and hash: those that TensorFlow Datasets checks against (checksums.tsv); torchaudio has the
same hash. Licence of the data: CC BY 4.0.

`group` is who speaks: the speaker's id in the file names, read as a hexadecimal number. Each clip in which nobody
speaks is a group of its own, below zero. Clips as they were recorded: `tinyprop.data.audio`.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import ClassVar

import numpy as np

from tinyprop.data.audio.heard import heard
from tinyprop.data.audio.speech_commands import PARTS, SAMPLES, TEN_WORDS, KeywordTask, SpeechClip, SpeechCommands
from tinyprop.data.compact import arrays_of, class_names, labels_of
from tinyprop.data.damage import named
from tinyprop.data.loader import COMPACT, OFFICIAL, DataFile, Edition, First, Loader, Parts
from tinyprop.data.samples import Samples
from tinyprop.errors import unknown_name
from tinyprop.features import FEATURES, Features

ARCHIVE = DataFile(
    "speech_commands_v0.02.tar.gz",
    "https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
    "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
    2_428_923_189,
)
FOLDER = "speech_commands"
# Features by name → the arrays of the compact file that hold them.
COMPACT_ARRAYS = {"mfcc": "mfcc", "log_mel": "logmel"}
SILENT = "sil_"  # begins the speaker of a clip in which nobody speaks


@dataclass(frozen=True)
class SpeechFeatures(Loader):
    """x (N, 1, frames, values): (N, 1, 49, 10) of `mfcc`, (N, 1, 49, 40) of `log_mel`; as the device computes them.

    features: a name in FEATURES of `tinyprop.features`. words: classes of their own, beside silence and other words;
    None: all 35, and nothing else.
    """

    name: ClassVar[str] = "speech_commands"
    title: ClassVar[str] = "Speech Commands"
    summary: ClassVar[str] = "ten words, other words and silence, by who speaks; the compact arrays hold a part of them"

    features: str = "mfcc"
    words: tuple[str, ...] | None = TEN_WORDS

    def __post_init__(self) -> None:
        if self.features not in FEATURES:
            raise unknown_name("features", self.features, FEATURES)
        if self.words is not None:
            object.__setattr__(self, "words", (self.words,) if isinstance(self.words, str) else tuple(self.words))
            KeywordTask(self.words)

    def editions(self) -> tuple[Edition, ...]:
        """The archive; features of the test clips that were published beside it."""
        which = "35 words" if self.words is None else f"silence, other words and {len(self.words)} words"
        summary = f"{self.features} of clips of a second, {which}, official lists, speakers apart"
        official = (self._filed_as(self.name), self.title, summary, FOLDER)
        holds = "<word>/<speaker>_nohash_<n>.wav, validation_list.txt, testing_list.txt and _background_noise_/"
        read = partial(read_official, features=FEATURES[self.features], words=self.words)
        whole = Edition(OFFICIAL, *official, (ARCHIVE,), holds, read, kept_as=repr(self))
        if self.features not in COMPACT_ARRAYS or self.words != TEN_WORDS:
            return (whole,)
        part = (
            f"{self.features} of 4,769 clips, 239 speakers, those of test are new: the published test clips in a split "
            "of our own, not comparable with published accuracies"
        )
        compact = (self._filed_as("speech_commands_part"), f"{self.title}, a part", part, FOLDER)
        stored = COMPACT_ARRAYS[self.features]
        scale = ", logmel_min, logmel_step" if stored == "logmel" else ""
        arrays = f"{stored}_train, y_train, speaker_train, the same for test, and classes{scale}"
        read = partial(read_compact, stored=stored, features=FEATURES[self.features])
        return (whole, Edition(COMPACT, *compact, (DataFile("speech_features.npz"),), arrays, read))

    def _filed_as(self, name: str) -> str:
        """Results on other words or other features are other results."""
        if "words" in self.chosen:
            name += "_35" if self.words is None else f"_{zlib.crc32(','.join(self.words).encode()):08x}"
        return f"{name}_{self.features}" if "features" in self.chosen else name


def read_official(paths: tuple[Path, ...], first: First, *, features: Features, words: tuple[str, ...] | None) -> Parts:
    """The archive; a part holds its words in the archive's order, then silence."""
    archive, task = SpeechCommands(paths[0]), None if words is None else KeywordTask(words)
    classes = archive.words if task is None else task.classes
    label = {name: index for index, name in enumerate(classes)}

    def part(name: str, count: int | None) -> Samples:
        about: list[tuple[int, int]] = []

        def samples_of(clips: Iterable[SpeechClip]) -> Iterator[np.ndarray]:
            silent = PARTS.index(name)
            for clip in clips:
                # Numbers of the parts interleave, so that none depends on how much of another part is read.
                silent += 0 if clip.speaker else len(PARTS)
                about.append((label[clip.label], int(clip.speaker, 16) if clip.speaker else -silent))
                yield clip.samples

        with named(paths[0].name):
            x = heard(features, samples_of(islice(archive.clips(name, task), count)))
            y, group = np.array(about, np.int64).reshape(-1, 2).T
            return Samples(x[:, None], np.ascontiguousarray(y), np.ascontiguousarray(group))

    return Parts(part("train", first.train), part("test", first.test), classes, part("validation", None))


def read_compact(paths: tuple[Path, ...], first: First, *, stored: str, features: Features) -> Parts:
    """mfcc (N, frames, values) float16, or logmel uint8, which is value = stored * logmel_step + logmel_min."""
    path = paths[0]
    (classes,) = arrays_of(path, "classes")
    low, step = _scale(path) if stored == "logmel" else (None, None)
    shape = (features.rows(SAMPLES), features.values)
    silent: list[str] = []

    def part(name: str, count: int | None) -> Samples:
        x, y, speaker = arrays_of(path, f"{stored}_{name}", f"y_{name}", f"speaker_{name}")
        kind = np.float16 if low is None else np.uint8
        if x.shape != (len(x), *shape) or x.dtype != kind:
            raise ValueError(f"{stored}_{name} is {x.shape} {x.dtype}, not clips of {shape} {np.dtype(kind)}")
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
