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

    Raises UserError for an empty part, a label without a class, a class without samples in train or test, and parts of
    different shapes.
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

    def __post_init__(self) -> None:
        faults = [fault for part, samples in self.parts.items() for fault in _faults(self.classes, part, samples)]
        shapes = {part: samples.x.shape[1:] for part, samples in self.parts.items()}
        if len(set(shapes.values())) > 1:
            faults.append(f"samples have different shapes: {', '.join(f'{k} {v}' for k, v in shapes.items())}")
        if faults:
            raise UserError(f"{self.name} ({self.source}) cannot be used: {'; '.join(faults)}.")

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


def _faults(classes: tuple[str, ...], part: str, samples: Samples) -> list[str]:
    if not len(samples):
        return [f"{part} is empty: give it at least one sample"]
    if not classes:
        return []
    fault = label_fault(classes, samples.y)
    if fault is not None:
        return [f"in {part} {fault}"]
    # Validation is drawn by group where there are groups: a volunteer need not have done everything.
    counts = np.bincount(samples.y, minlength=len(classes))
    missing = [classes[label] for label in np.flatnonzero(counts == 0)] if part != "validation" else []
    if not missing:
        return []
    named = ", ".join(f"'{name}'" for name in missing[:LISTED])
    rest = f" and {len(missing) - LISTED} more" if len(missing) > LISTED else ""
    return [f"{part} has no sample of {named}{rest}: add some, or leave the class out"]
