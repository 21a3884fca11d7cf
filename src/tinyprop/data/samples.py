"""What every loader returns: samples, and a data set of three parts of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tinyprop.errors import UserError

LISTED = 5  # of many things at fault, so many are named


@dataclass(frozen=True)
class Samples:
    """x (N, …) float32; y (N,) int64 labels, or targets (N, …) float32.

    group (N,) int64: the volunteer, speaker or machine that each sample came from; None where that does not matter.
    Raises UserError where the numbers of samples differ.
    """

    x: np.ndarray
    y: np.ndarray
    group: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name, array in (("y", self.y), ("group", self.group)):
            if array is not None and len(array) != len(self.x):
                raise UserError(f"x holds {len(self.x):,} samples and {name} {len(array):,}: one for each is needed.")

    def __len__(self) -> int:
        return len(self.y)

    def of(self, wanted: np.ndarray) -> "Samples":
        """The samples that a mask or index array names."""
        return Samples(self.x[wanted], self.y[wanted], None if self.group is None else self.group[wanted])

    def first(self, count: int | None) -> "Samples":
        """The first `count` of them; None: all."""
        return Samples(self.x[:count], self.y[:count], None if self.group is None else self.group[:count])


@dataclass(frozen=True)
class DataSet:
    """Samples to learn from, to choose settings on, and to be judged by; no sample is in two parts.

    name: as results are filed. title: for tables. summary: one sentence; it says so where the set is a stand-in.
    source: "official files", "compact arrays", "bundled" or "own".
    classes: the name of each label; empty where y holds targets.
    train, validation, test: validation is carved out of what was given to train on, test is never touched.
    stands_in_for: the name of the set that this one is used instead of, and must not be reported as.
    to_find: classes of which nothing may be learned, as anomalies: test holds some, train and validation none.

    Raises UserError for an empty part, a label without a class, a class without samples in train or test, one that is
    to be found and can be learned, and parts of different shapes.
    """

    name: str
    title: str
    summary: str
    source: str
    classes: tuple[str, ...]
    train: Samples
    validation: Samples
    test: Samples
    stands_in_for: str | None = None
    to_find: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        faults = [fault for part in self.parts for fault in self._faults(part)]
        shapes = {part: samples.x.shape[1:] for part, samples in self.parts.items()}
        if len(set(shapes.values())) > 1:
            faults.append(f"samples have different shapes: {', '.join(f'{k} {v}' for k, v in shapes.items())}")
        if faults:
            raise UserError(f"{self.name} ({self.source}) cannot be used: {'; '.join(faults)}.")

    def _faults(self, part: str) -> list[str]:
        samples, classes = self.parts[part], self.classes
        if not len(samples):
            return [f"{part} is empty: give it at least one sample"]
        if not classes:
            return []
        fault = label_fault(classes, samples.y)
        if fault is not None:
            return [f"in {part} {fault}"]
        present = set(np.unique(samples.y).tolist())
        hidden = set(self.to_find) if part != "test" else set()
        held = [name for label, name in enumerate(classes) if label in present and name in hidden]
        missing = [name for label, name in enumerate(classes) if label not in present and name not in hidden]
        faults = [f"{part} holds '{name}', which is to be found, not learned" for name in held]
        # Validation is drawn by group where there are groups: a volunteer need not have done everything.
        if missing and part != "validation":
            faults.append(f"{part} has no sample of {_some(missing)}: add some, or leave the class out")
        return faults

    @property
    def parts(self) -> Mapping[str, Samples]:
        """Name → samples."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample."""
        return self.train.x.shape[1:]


def label_fault(classes: tuple[str, ...], labels: np.ndarray) -> str | None:
    """The first label that has no class, in words; None where every label has one."""
    wrong = np.flatnonzero((labels < 0) | (labels >= len(classes)))
    if not len(wrong):
        return None
    return (
        f"sample {wrong[0]} has label {labels[wrong[0]]} ({len(wrong):,} such in all), "
        f"labels are 0 to {len(classes) - 1}"
    )


def _some(names: list[str]) -> str:
    rest = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(f"'{name}'" for name in names[:LISTED]) + rest
