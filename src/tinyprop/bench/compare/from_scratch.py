"""The network is shipped with random weights: all it can, it learns on the device."""

import numpy as np

from tinyprop.bench.compare.task import Task
from tinyprop.data import DataSet

SPLIT_SEED = 15


def from_scratch(data: DataSet, field: int, judged: int) -> Task:
    """The field brings `field` samples of train; validation, test: `judged` samples of those parts."""
    random = np.random.default_rng(SPLIT_SEED)
    counts = ((data.train, field), (data.validation, judged), (data.test, judged))
    met, validation, test = (part.of(random.permutation(len(part))[:count]) for part, count in counts)
    none = data.train.of(np.arange(0))
    return Task(none, met, validation, test, old=none)
