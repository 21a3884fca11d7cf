"""Somebody whom the network has never met wears the device, aslant perhaps."""

import numpy as np

from tinyprop.bench.compare.task import Task
from tinyprop.data import DataSet, Samples
from tinyprop.errors import UserError

SPLIT_SEED = 11
KNOWN_SHARE = 0.1  # of the volunteers of train: kept back, to see what is forgotten
FIELD, VALIDATION = 0.5, 0.15  # of what the new volunteer does; the rest is test


def new_volunteer(data: DataSet, seed: int, aslant: float = 0.0) -> Task:
    """Pretrained on the volunteers of train, adapted to one of test: another one for each seed, in turn.

    aslant: degrees by which the newcomer's device is turned in the plane of its first two axes; channels are then
    triples of axes, (N, 3 · sensors, T). Each channel has mean 0 and standard deviation 1 over the samples of
    pretraining. Raises UserError where `data` does not know who its samples are from.
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
    field, validation, test = (_turned(part, aslant) if aslant else part for part in (field, validation, test))
    task = Task(data.train.of(order[known:]), field, validation, test, old=data.train.of(order[:known]))
    return task.scaled((0, *range(2, data.train.x.ndim)))


def _turned(samples: Samples, degrees: float) -> Samples:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    triples = samples.x.reshape(len(samples), -1, 3, samples.x.shape[2])
    x = np.einsum("ij,nsjt->nsit", turn, triples).reshape(samples.x.shape)
    return Samples(x.astype(np.float32), samples.y, samples.group)
