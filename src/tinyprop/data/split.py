"""Carving a part out of the training data: the same one every time, whole groups where there are groups."""

import numpy as np

from tinyprop.data.samples import Samples
from tinyprop.errors import UserError

VALIDATION_SHARE = 0.1
TEST_SHARE = 0.2  # of the user's own data, where no test part is given
SPLIT_SEED = 0


def carved(samples: Samples, share: float = VALIDATION_SHARE, part: str = "validation") -> tuple[Samples, Samples]:
    """(what stays, what is carved out); both keep the order they came in.

    With groups, whole groups, drawn until `share` of the samples is reached; at least one, and one at least stays.
    Else `share` of every class, at least one sample; with targets `share` of all. Raises UserError where a class has
    one sample only, or all samples are of one group: both parts need something.
    """
    random = np.random.default_rng(SPLIT_SEED)
    if samples.group is not None:
        out = _whole_groups(samples.group, share, random, part)
    elif samples.y.ndim == 1 and np.issubdtype(samples.y.dtype, np.integer):
        out = _of_every_class(samples.y, share, random, part)
    else:
        out = _of_all(len(samples), share, random, part)
    return samples.of(~out), samples.of(out)


def _whole_groups(group: np.ndarray, share: float, random: np.random.Generator, part: str) -> np.ndarray:
    ids = random.permutation(np.unique(group))
    if len(ids) < 2:
        raise UserError(f"all samples are of one group: {part} needs others; give two groups or more, or none.")
    reached = np.cumsum([np.count_nonzero(group == one) for one in ids]) >= share * len(group)
    return np.isin(group, ids[: min(int(np.argmax(reached)) + 1, len(ids) - 1)])


def _of_every_class(labels: np.ndarray, share: float, random: np.random.Generator, part: str) -> np.ndarray:
    out = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(members) < 2:
            raise UserError(f"label {label} has a single sample: train and {part} need one each; add some.")
        count = min(max(1, round(share * len(members))), len(members) - 1)
        out[random.permutation(members)[:count]] = True
    return out


def _of_all(count: int, share: float, random: np.random.Generator, part: str) -> np.ndarray:
    if count < 2:
        raise UserError(f"there is {count} sample to learn from: train and {part} need one each; add some.")
    out = np.zeros(count, bool)
    out[random.permutation(count)[: min(max(1, round(share * count)), count - 1)]] = True
    return out
