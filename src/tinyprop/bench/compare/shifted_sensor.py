"""The sensor is not what it was: turned, noisy, out of focus, in poor light. One function each, and their table."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from scipy import ndimage

from tinyprop.bench.compare.task import Task
from tinyprop.data import DataSet, Samples

SPLIT_SEED = 14
DEGREES = 40.0
NOISE = 0.25  # standard deviation, of the range of an image
BLUR = 1.5  # pixels, standard deviation
CONTRAST, DARKNESS = 0.4, 0.3  # what is left of the contrast; how far it moves down, of the range

Shift = Callable[[np.ndarray, np.random.Generator], np.ndarray]  # (N, C, H, W) → the same shape


def rotated(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Turned by DEGREES; the corners take the nearest pixel."""
    return ndimage.rotate(x, DEGREES, axes=(3, 2), reshape=False, order=1, mode="nearest")


def noisy(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Gaussian noise on every pixel."""
    return x + random.normal(0.0, NOISE * _range(x), x.shape)


def blurred(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Out of focus."""
    return ndimage.gaussian_filter(x, (0, 0, BLUR, BLUR), mode="nearest")


def dark(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Low contrast in poor light."""
    return CONTRAST * x - DARKNESS * _range(x)


SHIFTS: Mapping[str, Shift] = MappingProxyType({f.__name__: f for f in (rotated, noisy, blurred, dark)})


def shifted_sensor(data: DataSet, shift: Shift, field: int, judged: int) -> Task:
    """Pretrained on train as it is; field and validation are drawn from the data set's validation part and shifted.

    test: the first `judged` of its test part, in a drawn order, shifted; old: the same as they were.
    """
    random = np.random.default_rng(SPLIT_SEED)
    met, chosen = np.split(random.permutation(len(data.validation)), [field])
    old = data.test.of(random.permutation(len(data.test))[:judged])
    parts = (data.validation.of(met), data.validation.of(chosen[:judged]), old)
    met_shifted, validation, test = (_shifted(part, shift, random) for part in parts)
    return Task(data.train, met_shifted, validation, test, old)


def _shifted(samples: Samples, shift: Shift, random: np.random.Generator) -> Samples:
    return Samples(shift(samples.x, random).astype(np.float32), samples.y, samples.group)


def _range(x: np.ndarray) -> float:
    # Images are −1 … 1; digits are 0 … 1, so that black is exactly zero.
    return 2.0 if x.min() < 0 else 1.0
