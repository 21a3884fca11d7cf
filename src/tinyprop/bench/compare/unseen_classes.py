"""Classes that the network has never seen come in among the others."""

import numpy as np

from tinyprop.bench.compare.task import Task
from tinyprop.data import DataSet
from tinyprop.errors import UserError

SPLIT_SEED = 12


def new_classes(data: DataSet, known: int, field: int, judged: int) -> Task:
    """Pretrained on the first `known` classes of train; the field brings `field` samples of all of them.

    validation, test: `judged` samples of the data set's own parts. Raises UserError where there are no new classes, or
    nothing is left to pretrain on.
    """
    if not 2 <= known < len(data.classes):
        raise UserError(
            f"{known} of the {len(data.classes)} classes of {data.name} are known: choose 2 or more, not all."
        )
    if field >= len(data.train):
        raise UserError(f"{data.name} has {len(data.train):,} samples to learn from and the field takes {field:,}.")
    random = np.random.default_rng(SPLIT_SEED)
    met, before = np.split(random.permutation(len(data.train)), [field])
    validation, test = (part.of(random.permutation(len(part))[:judged]) for part in (data.validation, data.test))
    pretrain = data.train.of(before[data.train.y[before] < known])
    return Task(pretrain, data.train.of(met), validation, test, old=test.of(test.y < known))
