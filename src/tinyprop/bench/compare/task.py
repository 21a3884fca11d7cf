"""What a run learns from, and what it is judged by."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tinyprop.data import Samples


@dataclass(frozen=True)
class Task:
    """pretrain: in PyTorch, before the device is shipped; field: what it sees, one sample at a time.

    Settings are chosen on validation, results read on test; old: test samples of what the network could before. No
    sample is in two of the first four. pretrain and old are empty where the network learns from scratch.
    """

    pretrain: Samples
    field: Samples
    validation: Samples
    test: Samples
    old: Samples

    @property
    def content_hash(self) -> str:
        """SHA-256 over all samples."""
        content = hashlib.sha256()
        for part in (self.pretrain, self.field, self.validation, self.test, self.old):
            content.update(part.x.tobytes() + part.y.tobytes())
        return content.hexdigest()

    def scaled(self, axes: tuple[int, ...]) -> "Task":
        """The same with mean 0 and standard deviation 1 over `axes` of pretrain, or of field where that is empty."""
        known = self.pretrain if len(self.pretrain) else self.field
        change = scaling(known, axes)
        return Task(*(change(part) for part in (self.pretrain, self.field, self.validation, self.test, self.old)))


def scaling(known: Samples, axes: tuple[int, ...]) -> Callable[[Samples], Samples]:
    """What brings `known` to mean 0 and standard deviation 1 over `axes`, and other samples by as much."""
    mean, deviation = (getattr(known.x, name)(axis=axes, keepdims=True) for name in ("mean", "std"))
    deviation = np.where(deviation > 0, deviation, 1)  # what never changes says nothing

    def scaled(part: Samples) -> Samples:
        return Samples(((part.x - mean) / deviation).astype(np.float32), part.y, part.group)

    return scaled
