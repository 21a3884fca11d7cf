"""The demo's data: scikit-learn's handwritten digits and two things that happen to a device in the field.

Every scenario has a part to pretrain on, a part the device learns from, a validation part (hyper-parameters are chosen
there and nowhere else) and a test part; no digit is in two of them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from tinyprop.data import Samples, load

ROTATION_DEGREES = 20.0
NOISE = 0.08  # standard deviation, of the full pixel range
OLD_CLASSES = 7
PRETRAIN_SHARE = 0.40  # of all digits; the rest of the training part is met in the field


@dataclass(frozen=True)
class Scenario:
    """What the network is pretrained on, and what it meets in the field. x: noise may leave 0 … 1."""

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
    digits = load("digits")
    pretrain = int(PRETRAIN_SHARE * sum(map(len, digits.parts.values())))
    learned = np.arange(len(digits.train))
    return [digits.train.of(part) for part in np.split(learned, [pretrain])] + [digits.validation, digits.test]


def _rotated(samples: Samples, seed: int) -> Samples:
    turned = ndimage.rotate(samples.x, ROTATION_DEGREES, axes=(3, 2), reshape=False, order=1)
    noise = np.random.default_rng(100 + seed).normal(0.0, NOISE, turned.shape)
    return Samples((turned + noise).astype(np.float32), samples.y)
