"""DCASE 2020 challenge, task 2: sounds of machines, normal ones to learn from, and anomalies to be found.

Koizumi et al., DCASE workshop 2020; ToyADMOS and MIMII. The development data, https://zenodo.org/record/3678171: one
ZIP for each type of machine (ToyCar, ToyConveyor, fan, pump, slider, valve), read as it is or as a folder, of one
machine or of several: <machine>/train/normal_id_NN_XXXXXXXX.wav, <machine>/test/{normal,anomaly}_id_NN_XXXXXXXX.wav.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinyprop.data.audio.recordings import names_in, recordings
from tinyprop.data.audio.wav import wav_samples
from tinyprop.errors import UserError, unknown_name

PARTS = ("train", "test")
CLIP_NAME = re.compile(
    r"(?:.*/)?(?P<machine>[^/]+)/(?P<part>train|test)/(?P<state>normal|anomaly)_(?P<id>id_\d\d)_\d+\.wav"
)
UNLABELLED = re.compile(r"(?:.*/)?[^/]+/test/id_\d\d_\d+\.wav")


@dataclass(frozen=True, eq=False)
class MachineClip:
    """About ten seconds of a machine.

    samples (n,) int16 at 16 kHz. machine: its type. machine_id: which one of the type. anomaly: whether it is broken.
    """

    samples: np.ndarray
    machine: str
    machine_id: str
    anomaly: bool
    name: str


@dataclass(frozen=True)
class _Named:
    name: str
    machine: str
    part: str
    machine_id: str
    anomaly: bool


class MachineSound:
    """The ZIP of one machine, or a folder of machines, at `path`. Clips are read one at a time, when asked for.

    Raises UserError where it holds anything but the official layout, anomalies to train on, or nothing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # In the folder of one machine, its own name is that of the machine.
        self._above = f"{path.resolve().name}/" if path.is_dir() else ""
        names = [name for name in names_in(path) if name.endswith(".wav")]
        self._clips = tuple(self._named(name) for name in sorted(names))
        if not self._clips:
            raise UserError(f"'{path}' holds no WAV file: give the ZIP of a machine, or the folder it unpacks to.")

    @property
    def machines(self) -> tuple[str, ...]:
        """Types of machines, by name."""
        return tuple(sorted({clip.machine for clip in self._clips}))

    def machine_ids(self, machine: str) -> tuple[str, ...]:
        """The machines of a type. Raises UserError."""
        self._require(machine)
        return tuple(sorted({clip.machine_id for clip in self._clips if clip.machine == machine}))

    def clips(self, machine: str, part: str, machine_id: str | None = None) -> Iterator[MachineClip]:
        """Clips of a part, "train" or "test", by name; of one machine of the type, or of all.

        Raises UserError for what is not there, and for a clip that is damaged, cut off or of another rate.
        """
        self._require(machine)
        if part not in PARTS:
            raise unknown_name("part", part, PARTS)
        if machine_id is not None and machine_id not in self.machine_ids(machine):
            raise unknown_name(machine, machine_id, self.machine_ids(machine))
        wanted = {
            clip.name: clip
            for clip in self._clips
            if (clip.machine, clip.part) == (machine, part) and machine_id in (None, clip.machine_id)
        }
        if not wanted:
            which = machine if machine_id is None else f"{machine} {machine_id}"
            raise UserError(f"'{self.path}' has no clip of {which} to {part}: get it anew.")
        for name, content in recordings(self.path, wanted.__contains__):
            clip = wanted[name]
            yield MachineClip(wav_samples(content, name), clip.machine, clip.machine_id, clip.anomaly, name)

    def _require(self, machine: str) -> None:
        if machine not in self.machines:
            raise unknown_name("machine", machine, self.machines)

    def _named(self, name: str) -> _Named:
        match = CLIP_NAME.fullmatch(self._above + name)
        if match is None and UNLABELLED.fullmatch(self._above + name):
            raise UserError(
                f"'{name}' in '{self.path}' does not say whether it is an anomaly, as in the challenge's evaluation "
                f"data: use its development data."
            )
        if match is None:
            raise UserError(
                f"'{name}' in '{self.path}' is no clip of DCASE 2020 task 2, which are named "
                f"<machine>/<train or test>/<normal or anomaly>_id_NN_XXXXXXXX.wav: give an official ZIP or its folder."
            )
        anomaly = match["state"] == "anomaly"
        if anomaly and match["part"] == "train":
            raise UserError(f"'{name}' in '{self.path}' is an anomaly to train on, and the official data have none.")
        return _Named(name, match["machine"], match["part"], match["id"], anomaly)
