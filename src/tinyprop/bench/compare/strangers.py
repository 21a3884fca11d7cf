"""People whom the network has never heard speak to the device, through another microphone."""

import numpy as np

from tinyprop.bench.compare.task import Task
from tinyprop.data import DataSet, Samples
from tinyprop.errors import UserError

SPLIT_SEED = 13
FIELD, VALIDATION = 0.5, 0.15  # of what the strangers say; the rest is test
# How a microphone hears is a filter, and a filter adds a constant to each cepstral coefficient: this is the standard
# deviation of that constant, in those of the coefficient.
MICROPHONE = 1.0


def new_speakers(data: DataSet, known: int) -> Task:
    """Pretrained on the `known` people of train who said most, and on silence; adapted to all the people of test.

    data: cepstral coefficients, (N, 1, frames, coefficients). What the strangers say comes through a microphone of
    another response: the same constant is added to a coefficient in all their frames.
    old: what the data set's validation part holds, of people who are in no other part. Raises UserError where `data`
    does not know who speaks.
    """
    if data.train.group is None or data.test.group is None:
        raise UserError(f"{data.name} does not say who speaks: take a set that does.")
    people, clips = np.unique(data.train.group[data.train.group >= 0], return_counts=True)
    heard = people[np.argsort(-clips, kind="stable")[:known]]
    pretrain = data.train.of(np.isin(data.train.group, heard) | (data.train.group < 0))
    strangers = np.flatnonzero(data.test.group >= 0)
    random = np.random.default_rng(SPLIT_SEED)
    theirs = random.permutation(strangers)
    response = MICROPHONE * data.train.x.std(axis=(0, 1, 2)) * random.standard_normal(data.shape[-1])
    cuts = (np.cumsum((FIELD, VALIDATION)) * len(theirs)).astype(int)
    field, validation, test = (_through(data.test.of(part), response) for part in np.split(theirs, cuts))
    assert data.validation.group is not None
    return Task(pretrain, field, validation, test, old=data.validation.of(data.validation.group >= 0))


def _through(samples: Samples, response: np.ndarray) -> Samples:
    return Samples((samples.x + response).astype(np.float32), samples.y, samples.group)
