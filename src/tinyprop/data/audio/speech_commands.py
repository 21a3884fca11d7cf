"""Speech Commands v0.02: 105,829 clips of one second, 35 words (Warden, arXiv:1804.03209, 2018).

http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz, read as it is, or the folder it unpacks to:
<word>/<speaker>_nohash_<n>.wav, testing_list.txt, validation_list.txt, and long recordings of noise in
_background_noise_/. Clips of one speaker are all in one part; the lists say which.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from tinyprop.data.audio.recordings import recordings
from tinyprop.data.audio.wav import RATE_HZ, wav_samples
from tinyprop.errors import UserError, unknown_name

SAMPLES = RATE_HZ  # of a clip: one second
LISTS = {"validation": "validation_list.txt", "test": "testing_list.txt"}
PARTS = ("train", *LISTS)
NOISE = "_background_noise_"
SILENCE, UNKNOWN = "silence", "unknown"
TEN_WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
CLIP_NAME = re.compile(r"(?P<word>[^/]+)/(?P<speaker>[0-9a-f]+)_nohash_\d+\.wav")
# Which share of each recording of noise a part is cut from: no sample of noise is in two parts.
NOISE_SHARES = {"train": (0.0, 0.8), "validation": (0.8, 0.9), "test": (0.9, 1.0)}


@dataclass(frozen=True, eq=False)
class SpeechClip:
    """One second of sound.

    samples (16000,) int16. label: a class of the task. name: the file in the archive; of silence, the recording and its
    first sample. speaker: a hash of whoever speaks, "" for silence. padded: zeros at the end of a shorter recording.
    """

    samples: np.ndarray
    label: str
    name: str
    speaker: str
    padded: int


@dataclass(frozen=True)
class KeywordTask:
    """Which word was said, or none of them: the task of twelve classes that the set was published with.

    words: classes of their own. unknown_share, silence_share: how many clips of other words, and of noise, there are
    for each clip of these words (a tenth, as in TensorFlow's speech_commands/train.py). Other words are drawn by
    `seed`, evenly from all their clips of the part; silence is cut from the recordings of noise at places drawn by it.
    Raises UserError.
    """

    words: tuple[str, ...] = TEN_WORDS
    unknown_share: float = 0.1
    silence_share: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.words or len(set(self.words)) != len(self.words):
            raise UserError(f"the words are {self.words}: give at least one, and none twice.")
        if taken := [word for word in self.words if word in (SILENCE, UNKNOWN, NOISE)]:
            raise UserError(f"'{taken[0]}' is no word but a class of its own: leave it out.")
        for name in ("unknown_share", "silence_share"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise UserError(f"{name}={getattr(self, name)!r} is no fraction: choose a number from 0 to 1.")
        if not isinstance(self.seed, int) or self.seed < 0:
            raise UserError(f"seed={self.seed!r}: choose a whole number of 0 or more.")

    @property
    def classes(self) -> tuple[str, ...]:
        """silence, unknown (where there are any), then the words."""
        own = ((SILENCE, self.silence_share), (UNKNOWN, self.unknown_share))
        return (*(name for name, share in own if share > 0), *self.words)


class SpeechCommands:
    """The archive, or its folder, at `path`. Making one reads it once, for names, lists and noise; each call of
    `clips` reads it once more, one clip at a time.

    Raises UserError where it is not the official archive, damaged or cut off.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        texts, noise, names = {}, {}, []
        for name, content in recordings(path, lambda name: name.endswith(".wav") or name in LISTS.values()):
            if name in LISTS.values():
                texts[name] = content
            elif name.startswith(f"{NOISE}/"):
                noise[name] = wav_samples(content, name)
            else:
                self._fields(name)
                names.append(name)
        if doubled := [name for name, times in Counter(names).items() if times > 1]:
            raise UserError(f"'{path}' holds '{doubled[0]}' twice: it is not the official archive.")
        self._noise: Mapping[str, np.ndarray] = noise
        self._listed = {part: self._list(texts, file) for part, file in LISTS.items()}
        self._names = tuple(sorted(names))
        self._check_lists()

    @cached_property
    def words(self) -> tuple[str, ...]:
        """All that are said, by name."""
        return tuple(sorted({self._fields(name)["word"] for name in self._names}))

    def names(self, part: str) -> tuple[str, ...]:
        """The files of train, validation or test, by name. Raises UserError."""
        if part not in PARTS:
            raise unknown_name("part", part, PARTS)
        elsewhere = frozenset().union(*(listed for other, listed in self._listed.items() if other != part))
        wanted = self._listed.get(part)
        return tuple(name for name in self._names if (name in wanted if wanted else name not in elsewhere))

    def clips(self, part: str, task: KeywordTask | None = None) -> Iterator[SpeechClip]:
        """Clips of a part: of the words first, in the order of the archive, then silence.

        task None: every word is a class, and nothing else. Raises UserError for a word that nobody says, a class
        without clips, and a clip that is damaged, empty or longer than a second; shorter ones end in zeros, and say so.
        """
        labels = self._labels(part, task)
        for name, content in recordings(self.path, labels.__contains__):
            yield self._spoken(name, content, labels[name])
        if task is not None and task.silence_share > 0:
            yield from self._silence(part, task, self._count(labels, task.words, task.silence_share))

    def _labels(self, part: str, task: KeywordTask | None) -> dict[str, str]:
        """File → class, of the clips that are wanted."""
        names = self.names(part)
        words = {name: self._fields(name)["word"] for name in names}
        if task is None:
            return words
        for word in task.words:
            if word not in self.words:
                raise unknown_name("word", word, self.words)
        labels = {name: word for name, word in words.items() if word in task.words}
        if missing := [word for word in task.words if word not in labels.values()]:
            raise UserError(f"no clip of '{missing[0]}' is in the {part} part of '{self.path}': leave the word out.")
        if task.unknown_share > 0:
            others = [name for name in names if name not in labels]
            count = self._count(labels, task.words, task.unknown_share)
            if len(others) < count:
                raise UserError(
                    f"unknown_share={task.unknown_share} asks for {count:,} clips of other words, and the {part} part "
                    f"has {len(others):,}: lower it."
                )
            drawn = np.random.default_rng([task.seed, PARTS.index(part), 0]).permutation(len(others))[:count]
            labels |= {others[i]: UNKNOWN for i in drawn.tolist()}
        return labels

    @staticmethod
    def _count(labels: Mapping[str, str], words: tuple[str, ...], share: float) -> int:
        return math.ceil(share * sum(label in words for label in labels.values()))

    def _spoken(self, name: str, content: bytes, label: str) -> SpeechClip:
        samples = wav_samples(content, name)
        if len(samples) > SAMPLES:
            raise UserError(f"'{name}' has {len(samples):,} samples, and no clip of the set has more than {SAMPLES:,}.")
        padded = SAMPLES - len(samples)
        return SpeechClip(np.pad(samples, (0, padded)), label, name, self._fields(name)["speaker"], padded)

    def _silence(self, part: str, task: KeywordTask, count: int) -> Iterator[SpeechClip]:
        """Seconds of noise from the part's share of each recording, which is as likely as it is long."""
        low, high = NOISE_SHARES[part]
        spans = [(name, int(low * len(noise)), int(high * len(noise))) for name, noise in sorted(self._noise.items())]
        places = np.array([max(0, end - start - SAMPLES + 1) for _, start, end in spans])
        if not places.sum():
            raise UserError(f"'{self.path}' has no second of noise for {part} in {NOISE}/: set silence_share=0.")
        ends = np.cumsum(places)
        for place in np.random.default_rng([task.seed, PARTS.index(part), 1]).integers(0, ends[-1], count).tolist():
            which = int(np.searchsorted(ends, place, side="right"))
            name, start, _ = spans[which]
            first = start + place - int(ends[which] - places[which])
            samples = self._noise[name][first : first + SAMPLES].copy()
            yield SpeechClip(samples, SILENCE, f"{name}@{first}", "", 0)

    def _fields(self, name: str) -> Mapping[str, str]:
        match = CLIP_NAME.fullmatch(name)
        if match is None:
            raise UserError(
                f"'{name}' in '{self.path}' is no clip of Speech Commands, which are named "
                f"<word>/<speaker>_nohash_<n>.wav: give the official archive, or its folder."
            )
        return match.groupdict()

    def _list(self, texts: Mapping[str, bytes], file: str) -> frozenset[str]:
        if file not in texts:
            raise UserError(f"'{self.path}' has no {file}, which says whose clips are not for training: get it anew.")
        names = texts[file].decode("utf-8", errors="replace").split()
        if not names:
            raise UserError(f"{file} in '{self.path}' is empty: get the official archive anew.")
        return frozenset(names)

    def _check_lists(self) -> None:
        known = frozenset(self._names)
        for part, file in LISTS.items():
            if missing := sorted(self._listed[part] - known):
                raise UserError(
                    f"{file} in '{self.path}' names {len(missing):,} clip(s) that are not there, the first is "
                    f"'{missing[0]}': the archive is cut off or not the official one, get it anew."
                )
        if both := sorted(self._listed["validation"] & self._listed["test"]):
            raise UserError(f"'{both[0]}' is in both lists of '{self.path}': it is not the official archive.")
        if not self.names("train"):
            raise UserError(f"'{self.path}' leaves no clip to train on: its lists name them all.")
