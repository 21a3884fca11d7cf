"""The sensor is not what it was: turned, noisy, out of focus, in poor light. One function each, of how much."""

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from tinyprop.bench.compare.task import Task
from tinyprop.data import DataSet, Samples
from tinyprop.errors import UserError

SPLIT_SEED = 14
CONTRAST, DARKNESS = 0.4, 0.3  # of an image in poor light: what is left, and how far it moves down, of the range

Shift = Callable[[np.ndarray, np.random.Generator], np.ndarray]  # (N, C, H, W) → the same shape


def turned(degrees: float) -> Shift:
    """Turned; the corners take the nearest pixel."""
    return lambda x, random: ndimage.rotate(x, degrees, axes=(3, 2), reshape=False, order=1, mode="nearest")


def noisy(deviation: float) -> Shift:
    """Gaussian noise on every pixel; deviation: of the range of an image."""
    return lambda x, random: x + random.normal(0.0, deviation * _range(x), x.shape)


def blurred(pixels: float) -> Shift:
    """Out of focus; pixels: the standard deviation of the blur."""
    return lambda x, random: ndimage.gaussian_filter(x, (0, 0, pixels, pixels), mode="nearest")


def in_poor_light(deviation: float) -> Shift:
    """Dark, of low contrast, and noisy as sensors then are."""
    return lambda x, random: CONTRAST * noisy(deviation / CONTRAST)(x, random) - DARKNESS * _range(x)


def shifted_sensor(data: DataSet, shift: Shift, field: int, judged: int, *, of_train: bool = False) -> Task:
    """Pretrained on train as it is; field and validation are drawn from the data set's validation part and shifted.

    of_train: the field is drawn from train instead, and never pretrained on; of sets whose validation part is small.
    test: `judged` samples of its test part, shifted; old: the same as they were. Raises UserError where train has no
    more than `field` samples.
    """
    random = np.random.default_rng(SPLIT_SEED)
    if of_train:
        if field >= len(data.train):
            raise UserError(f"{data.name} has {len(data.train):,} samples to learn from and the field takes {field:,}.")
        met, before = (data.train.of(part) for part in np.split(random.permutation(len(data.train)), [field]))
        chosen = random.permutation(len(data.validation))
    else:
        from_validation, chosen = np.split(random.permutation(len(data.validation)), [field])
        met, before = data.validation.of(from_validation), data.train
    old = data.test.of(random.permutation(len(data.test))[:judged])
    parts = (met, data.validation.of(chosen[:judged]), old)
    met_shifted, validation, test = (_shifted(part, shift, random) for part in parts)
    return Task(before, met_shifted, validation, test, old)


def _shifted(samples: Samples, shift: Shift, random: np.random.Generator) -> Samples:
    return Samples(shift(samples.x, random).astype(np.float32), samples.y, samples.group)


def _range(x: np.ndarray) -> float:
    # Images are −1 … 1; digits are 0 … 1, so that black is exactly zero.
    return 2.0 if x.min() < 0 else 1.0
