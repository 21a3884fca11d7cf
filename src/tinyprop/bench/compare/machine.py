"""The device listens to another machine than those it was made with: what does not sound like it is an anomaly."""

import numpy as np

from tinyprop.bench.compare.task import Task, scaling
from tinyprop.data import DataSet, Samples
from tinyprop.errors import UserError
from tinyprop.features import Stacked, stacked

SPLIT_SEED = 16
ROWS = 20  # of each clip, at even distances: neighbours share most of their frames
VALIDATION = 0.3  # of the clips of the stranger's test part; the rest is test


def new_machine(data: DataSet, features: Stacked, seed: int) -> Task:
    """Pretrained on all machines of train but one, which is met in the field: another one for each seed, in turn.

    data: clips (N, frames, values), group: their machine. Samples are rows of stacked frames, scaled by those of
    pretraining. What is learned from has itself as target; what is judged has the label of its clip (1: an anomaly) and
    the clip's number as group. validation and test share out the stranger's test clips, as normal ones alone tell
    nothing; old: those of the other machines. Raises UserError where `data` does not know the machines.
    """
    if data.train.group is None or data.test.group is None:
        raise UserError(f"{data.name} does not say which machine a clip is of: take a set that does.")
    machines = np.unique(data.train.group)
    if len(machines) < 2:
        raise UserError(f"{data.name} has {len(machines)} machine: two are needed, one known and one new.")
    stranger = machines[seed % len(machines)]
    known, met = data.train.of(data.train.group != stranger), data.train.of(data.train.group == stranger)
    clips = np.random.default_rng(SPLIT_SEED).permutation(np.flatnonzero(data.test.group == stranger))
    # Of either kind its share, so that both parts hold both.
    in_turn = [clips[data.test.y[clips] == kind] for kind in (0, 1)]
    cuts = [max(1, int(VALIDATION * len(kind))) for kind in in_turn]
    validation = np.concatenate([kind[:cut] for kind, cut in zip(in_turn, cuts, strict=True)])
    test = np.concatenate([kind[cut:] for kind, cut in zip(in_turn, cuts, strict=True)])
    change = scaling(_rows(known, features), (0,))
    judged = (data.test.of(part) for part in (validation, test, np.flatnonzero(data.test.group != stranger)))
    return Task(
        *(_to_reproduce(change(_rows(part, features))) for part in (known, met)),
        *(change(_rows(part, features)) for part in judged),
    )


def _rows(clips: Samples, features: Stacked) -> Samples:
    """ROWS of each clip, all where there are fewer; y: of its clip; group: its number."""
    rows = stacked(features, clips.x)  # (N, rows, frames * values)
    chosen = np.unique(np.linspace(0, rows.shape[1] - 1, ROWS).round().astype(int))
    x = rows[:, chosen]
    number, labels = np.arange(len(clips)), clips.y
    return Samples(x.reshape(-1, x.shape[2]), *(np.repeat(each, len(chosen)) for each in (labels, number)))


def _to_reproduce(rows: Samples) -> Samples:
    return Samples(rows.x, rows.x, rows.group)
