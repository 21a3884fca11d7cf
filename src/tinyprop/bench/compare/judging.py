"""How good a network is, in one number, in percent: by what it was trained with."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

import tinyprop
from tinyprop.data import Samples
from tinyprop.data.audio import detection

Judge = Callable[[tinyprop.Engine, Samples], float]


def accuracy(engine: tinyprop.Engine, samples: Samples) -> float:
    """Percent whose class is named."""
    return engine.accuracy(samples.x, samples.y)


def found(engine: tinyprop.Engine, samples: Samples) -> float:
    """100 × AUC: chance that an anomaly is reproduced worse than a normal clip, clips being the groups of `samples`.

    A clip's score is the mean squared error of its rows, as in the baseline of DCASE 2020 task 2. Raises UserError
    where samples are of one kind.
    """
    errors = ((engine.logits(samples.x) - samples.x) ** 2).mean(axis=1)
    assert samples.group is not None
    _, first, clip = np.unique(samples.group, return_index=True, return_inverse=True)
    scores = np.bincount(clip, errors) / np.bincount(clip)
    return 100 * detection(samples.y[first], scores).auc


JUDGES: Mapping[str, Judge] = MappingProxyType({"cross_entropy": accuracy, "mse": found})
