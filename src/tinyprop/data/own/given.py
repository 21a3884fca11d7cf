"""From parts as a user gives them to a data set: checked, labels numbered, what is missing carved out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinyprop.data.loader import OWN
from tinyprop.data.samples import DataSet, Samples
from tinyprop.data.split import TEST_SHARE, carved
from tinyprop.errors import UserError

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Given:
    """One part. x (N, …) numbers; y (N,) labels, whole numbers or text, or targets; group (N,) whatever tells apart."""

    x: Any
    y: Any
    group: Any = None


def own_data_set(
    name: str, given: Mapping[str, Given], *, classes: Sequence[str] | None = None, targets: bool = False
) -> DataSet:
    """A data set of the given parts, "train" at least.

    A test part that is not given is a fifth of train, a validation part a tenth of what then remains: of every class,
    or of the groups where there are groups. classes: the names of the labels; by default the labels themselves.
    targets: y holds numbers to be reproduced, not labels. Raises UserError for anything that is no such data.
    """
    names = () if targets else _classes(name, given, classes)
    ids = _group_ids(name, given)
    parts = {part: _samples(f"{name}: {part}", one, names, ids, targets) for part, one in given.items()}
    train = parts["train"]
    if not len(train):
        raise UserError(f"{name}: train is empty: give it samples.")
    if "test" not in parts:
        train, parts["test"] = carved(train, TEST_SHARE, "test")
    if "validation" not in parts:
        train, parts["validation"] = carved(train)
    drawn = [part for part in ("test", "validation") if part not in given]
    how = f"; {' and '.join(drawn)} drawn from train" if drawn else ""
    summary = f"own data, {'targets' if targets else f'{len(names)} classes'}, samples of {train.x.shape[1:]}{how}"
    return DataSet(name, name, summary, OWN, names, train, parts["validation"], parts["test"])


def numbers(what: str, given: Any) -> np.ndarray:
    """float32, all finite. Raises UserError for anything else."""
    try:
        array = np.asarray(given)
        if array.dtype.kind not in "biuf":
            raise ValueError(f"its values are {array.dtype}")
        x: np.ndarray = array.astype(np.float32)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{what} holds no array of numbers ({error}): give one shape to all samples.") from error
    if not x.shape:
        raise UserError(f"{what} is a single number: give an array with one entry a sample.")
    bad = [index for index, sample in enumerate(x) if not np.isfinite(sample).all()]
    if len(bad):
        raise UserError(
            f"{what}: sample {bad[0]} holds NaN or infinity ({len(bad):,} such in all): leave it out, or mend it."
        )
    return x


def _samples(what: str, one: Given, classes: tuple[str, ...], ids: Mapping[Any, int], targets: bool) -> Samples:
    x = numbers(f"{what}: x", one.x)
    if x.ndim < 2:
        raise UserError(f"{what}: x is of shape {x.shape}: a sample needs at least one axis of its own.")
    y = numbers(f"{what}: y", one.y) if targets else _labels(what, np.asarray(one.y), classes)
    group = None if one.group is None else np.array([ids[key] for key in np.asarray(one.group).tolist()], np.int64)
    try:
        return Samples(x, y, group)
    except UserError as error:
        raise UserError(f"{what}: {error}") from error


def _labels(what: str, y: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
    if y.ndim != 1:
        raise UserError(f"{what}: y is {y.shape}, labels are one a sample: for targets say targets=True.")
    if y.dtype.kind not in "US":
        return y.astype(np.int64)
    number = {name: index for index, name in enumerate(classes)}
    unknown = sorted(set(y.astype(str).tolist()) - set(number))
    if unknown:
        raise UserError(f"{what}: label '{unknown[0]}' is none of the classes {', '.join(classes)}.")
    return np.array([number[name] for name in y.astype(str).tolist()], np.int64)


def _classes(name: str, given: Mapping[str, Given], classes: Sequence[str] | None) -> tuple[str, ...]:
    labels = {part: np.asarray(one.y) for part, one in given.items()}
    for part, y in labels.items():
        if y.dtype.kind not in "iuUS":
            raise UserError(
                f"{name}: {part}: y holds {y.dtype}: labels are whole numbers from 0 on, or text; for numbers to be "
                "reproduced say targets=True."
            )
    if classes is not None:
        return tuple(map(str, classes))
    if labels["train"].dtype.kind in "US":
        return tuple(sorted({str(one) for y in labels.values() for one in y.astype(str).ravel().tolist()}))
    return tuple(map(str, range(max(int(y.max(initial=-1)) for y in labels.values()) + 1)))


def _group_ids(name: str, given: Mapping[str, Given]) -> Mapping[Any, int]:
    """One number for each name of a group, the same in all parts. Raises UserError where only some have groups."""
    with_groups = {part: one.group for part, one in given.items() if one.group is not None}
    if not with_groups:
        return {}
    if len(with_groups) < len(given):
        raise UserError(
            f"{name}: {', '.join(with_groups)} has groups, other parts have not: give all of them, or none."
        )
    keys = sorted({key for group in with_groups.values() for key in np.asarray(group).tolist()})
    return {key: index for index, key in enumerate(keys)}
