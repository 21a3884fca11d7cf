"""Somebody whom the network has never met wears the device."""

import numpy as np

from tinyprop.bench.compare.task import Task
from tinyprop.data import DataSet
from tinyprop.errors import UserError

SPLIT_SEED = 11
KNOWN_SHARE = 0.1  # of the volunteers of train: kept back, to see what is forgotten
FIELD, VALIDATION = 0.5, 0.15  # of what the new volunteer does; the rest is test


def new_volunteer(data: DataSet, seed: int) -> Task:
    """Pretrained on the volunteers of train, adapted to one of test: another one for each seed, in turn.

    Each channel has mean 0 and standard deviation 1 over the samples of pretraining. Raises UserError where `data` does
    not know who its samples are from.
    """
    if data.train.group is None or data.test.group is None:
        raise UserError(f"{data.name} does not say which volunteer a sample is from: take a set that does.")
    rng = np.random.default_rng(SPLIT_SEED)
    order = rng.permutation(len(data.train))
    known = int(KNOWN_SHARE * len(order))
    volunteers = np.unique(data.test.group)
    theirs = rng.permutation(np.flatnonzero(data.test.group == volunteers[seed % len(volunteers)]))
    cuts = (np.cumsum((FIELD, VALIDATION)) * len(theirs)).astype(int)
    field, validation, test = (data.test.of(part) for part in np.split(theirs, cuts))
    task = Task(data.train.of(order[known:]), field, validation, test, old=data.train.of(order[:known]))
    return task.scaled((0, *range(2, data.train.x.ndim)))
