"""People whom the network has never heard speak to the device."""

import numpy as np

from tinyprop.bench.compare.task import Task
from tinyprop.data import DataSet, Samples
from tinyprop.errors import UserError

SPLIT_SEED = 13
FIELD, VALIDATION = 0.5, 0.15  # of what the strangers say; the rest is test


def new_speakers(data: DataSet, known: int) -> Task:
    """Pretrained on the `known` people of train who said most, and on silence; adapted to all the people of test.

    old: what the data set's validation part holds, of people who are in no other part. Raises UserError where `data`
    does not know who speaks.
    """
    if data.train.group is None or data.test.group is None:
        raise UserError(f"{data.name} does not say who speaks: take a set that does.")
    people, clips = np.unique(data.train.group[data.train.group >= 0], return_counts=True)
    heard = people[np.argsort(-clips, kind="stable")[:known]]
    pretrain = data.train.of(np.isin(data.train.group, heard) | (data.train.group < 0))
    strangers = np.flatnonzero(data.test.group >= 0)
    theirs = np.random.default_rng(SPLIT_SEED).permutation(strangers)
    cuts = (np.cumsum((FIELD, VALIDATION)) * len(theirs)).astype(int)
    field, validation, test = (data.test.of(part) for part in np.split(theirs, cuts))
    return Task(pretrain, field, validation, test, old=_spoken(data.validation))


def _spoken(samples: Samples) -> Samples:
    return samples if samples.group is None else samples.of(samples.group >= 0)
