"""The demo's data: scikit-learn's handwritten digits and two things that happen to a device in the field.

1,797 digits of 8×8 from UCI "Optical Recognition of Handwritten Digits", bundled with scikit-learn. Every scenario
has a part to pretrain on, a part the device learns from, a validation part (hyper-parameters are chosen there and
nowhere else) and a test part; no digit is in two of them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from sklearn.datasets import load_digits

ROTATION_DEGREES = 20.0
NOISE = 0.08  # standard deviation, of the full pixel range
OLD_CLASSES = 7
SPLIT_SEED = 7
SHARES = (0.40, 0.30, 0.10)  # pretrain, field, validation; the rest is test


@dataclass(frozen=True)
class Samples:
    """x (N, 1, 8, 8) float32 in 0 … 1 (noise may leave that range), y (N,) int64."""

    x: np.ndarray
    y: np.ndarray

    def __len__(self) -> int:
        return len(self.y)

    def of(self, wanted: np.ndarray) -> "Samples":
        """The samples that a mask or index array names."""
        return Samples(self.x[wanted], self.y[wanted])


@dataclass(frozen=True)
class Scenario:
    """What the network is pretrained on, and what it meets in the field."""

    name: str
    summary: str
    pretrain: Samples
    field: Samples
    validation: Samples
    test: Samples


def rotated() -> Scenario:
    """The sensor is mounted at an angle and is noisy."""
    parts = _parts()
    field, validation, test = (_rotated(part, seed) for seed, part in enumerate(parts[1:]))
    summary = f"all digits, turned by {ROTATION_DEGREES:.0f}° and with sensor noise of {NOISE:.0%} of the range"
    return Scenario("rotated", summary, parts[0], field, validation, test)


def new_classes() -> Scenario:
    """Three digits that the network has never seen come in among the others."""
    pretrain, *others = _parts()
    summary = f"digits {OLD_CLASSES} to 9 were never seen; the field brings all ten"
    return Scenario("new_classes", summary, pretrain.of(pretrain.y < OLD_CLASSES), *others)


SCENARIOS: dict[str, Callable[[], Scenario]] = {"rotated": rotated, "new_classes": new_classes}


def _parts() -> list[Samples]:
    digits = load_digits()
    x = (digits.images / 16.0).astype(np.float32)[:, None]
    order = np.random.default_rng(SPLIT_SEED).permutation(len(x))
    cuts = (np.cumsum(SHARES) * len(x)).astype(int)
    return [Samples(x[part], digits.target[part].astype(np.int64)) for part in np.split(order, cuts)]


def _rotated(samples: Samples, seed: int) -> Samples:
    turned = ndimage.rotate(samples.x, ROTATION_DEGREES, axes=(3, 2), reshape=False, order=1)
    noise = np.random.default_rng(100 + seed).normal(0.0, NOISE, turned.shape)
    return Samples((turned + noise).astype(np.float32), samples.y)
