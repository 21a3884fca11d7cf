"""DCASE 2020 task 2 as features: machines that sound normal to learn from, and anomalies to be found.

Koizumi et al., DCASE workshop 2020. Addresses: the development data of the challenge, one ZIP for each type of machine;
Zenodo states their MD5, which soundata checks against, and nobody a SHA-256. Licence of the data: CC BY-NC-SA 4.0.

`group` is which machine of its type a clip is from, the number in the file names; train and test are of the same ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from tinyprop.data.audio.heard import heard
from tinyprop.data.audio.machine_sound import MachineClip, MachineSound
from tinyprop.data.damage import named
from tinyprop.data.loader import OFFICIAL, DataFile, Edition, First, Loader, Parts
from tinyprop.data.samples import Samples
from tinyprop.data.split import carved
from tinyprop.errors import unknown_name
from tinyprop.features import FEATURES, Features, Stacked

RECORD = "https://zenodo.org/records/3678171/files/"
ARCHIVES: Mapping[str, DataFile] = {
    machine: DataFile(name := f"dev_data_{machine}.zip", RECORD + name, size=size, md5=md5)
    for machine, md5, size in (
        ("ToyCar", "4dec75ca8d9f666aa9e4c1894a740501", 1_816_443_231),
        ("ToyConveyor", "03b6aa1bfd09a39d53af0ba39f71fa91", None),
        ("fan", "649bdfc06263ae7a838963f43b6641e6", 1_354_774_772),
        ("pump", "90e7091ef722b7238a7f1009365779cd", 1_031_279_015),
        ("slider", "da24a757719f0d94d5aa2d646bbfdc86", 1_002_998_966),
        ("valve", "34d2672f55bb041589ef79c10dc89934", None),
    )
}
CLASSES = NORMAL, ANOMALY = ("normal", "anomaly")


@dataclass(frozen=True)
class MachineFeatures(Loader):
    """x (N, frames, values): (N, frames, 128) of `dcase2020`, a clip each; as the device computes them.

    machine: its type, a name in ARCHIVES. features: a name in FEATURES of `tinyprop.features`; of stacked ones x holds
    the frames, and `stacked(FEATURES[features], x)` the rows that a network takes: five times the memory. y: 0 normal,
    1 anomaly. How well they are told apart: `tinyprop.data.audio.detection_by_machine`.
    """

    name: ClassVar[str] = "dcase2020"
    title: ClassVar[str] = "DCASE 2020 task 2"
    summary: ClassVar[str] = (
        "sounds of a type of machine, a toy car unless `machine` names another: which are anomalies?"
    )

    machine: str = "ToyCar"
    features: str = "dcase2020"

    def __post_init__(self) -> None:
        if self.machine not in ARCHIVES:
            raise unknown_name("machine", self.machine, ARCHIVES)
        if self.features not in FEATURES:
            raise unknown_name("features", self.features, FEATURES)

    def editions(self) -> tuple[Edition, ...]:
        """The ZIP of the machine; there are no compact arrays."""
        filed_as = f"{self.name}_{self.machine}" + (f"_{self.features}" if "features" in self.chosen else "")
        summary = f"{self.features} of clips of ten seconds, official parts, validation of each machine's normal clips"
        about = (filed_as, f"{self.title}, {self.machine}", summary, self.name)
        holds = f"{self.machine}/train/normal_id_NN_*.wav and {self.machine}/test/{{normal,anomaly}}_id_NN_*.wav"
        read = partial(read_official, machine=self.machine, features=FEATURES[self.features])
        return (Edition(OFFICIAL, *about, (ARCHIVES[self.machine],), holds, read, kept_as=repr(self)),)


def read_official(paths: tuple[Path, ...], first: First, *, machine: str, features: Features) -> Parts:
    """The ZIP; clips by name. A tenth of the normal clips of each machine is for validation."""
    sound = MachineSound(paths[0])
    frames = features.of if isinstance(features, Stacked) else features

    def part(name: str) -> tuple[Samples, np.ndarray]:
        about: list[tuple[bool, int]] = []

        def noted(clip: MachineClip) -> np.ndarray:
            about.append((clip.anomaly, int(clip.machine_id.removeprefix("id_"))))
            return clip.samples

        with named(paths[0].name):
            x = heard(frames, map(noted, sound.clips(machine, name)))
        y, group = np.array(about, np.int64).T
        group = np.ascontiguousarray(group)
        return Samples(x, np.ascontiguousarray(y), group), group

    (learned, machines), (tested, _) = part("train"), part("test")
    # By machine, as others carve by class: each is to be judged by validation.
    train, validation = carved(Samples(np.arange(len(learned)), machines))
    return Parts(
        learned.of(train.x).first(first.train),
        tested.first(first.test),
        CLASSES,
        learned.of(validation.x),
        to_find=(ANOMALY,),
    )
