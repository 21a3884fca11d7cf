"""Own data as NumPy arrays, or in a .npz file of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinyprop.data.damage import DAMAGE, in_words
from tinyprop.data.own.given import PARTS, Given, own_data_set
from tinyprop.data.samples import DataSet
from tinyprop.errors import UserError

Arrays = tuple[Any, Any] | tuple[Any, Any, Any]


def from_arrays(
    train: Arrays,
    *,
    test: Arrays | None = None,
    validation: Arrays | None = None,
    classes: Sequence[str] | None = None,
    targets: bool = False,
    name: str = "own",
) -> DataSet:
    """A data set of arrays. Each part is (x, y) or (x, y, group).

    x (N, …): numbers, taken as they are, as float32; scale them before. y (N,): labels from 0 on, or text; with
    targets=True numbers to be reproduced. group (N,): the person or machine a sample came from; then no part that is
    drawn shares a group with another. What is not given is drawn from train, see `docs/data.md`.

    >>> import numpy as np
    >>> data = from_arrays((np.zeros((20, 3)), np.arange(20) % 2), classes=["off", "on"])
    >>> len(data.train), len(data.validation), len(data.test)
    (14, 2, 4)

    Raises UserError for NaN, different numbers of samples, a label without a class, a class without samples.
    """
    given = {part: Given(*one) for part, one in zip(PARTS, (train, validation, test), strict=True) if one is not None}
    return own_data_set(name, given, classes=classes, targets=targets)


def from_npz(path: str | Path, *, targets: bool = False, name: str | None = None) -> DataSet:
    """A data set of a .npz file: `x_train`, `y_train`; perhaps `group_train`, the same for validation and test, and
    `classes`. Nothing in it is unpickled.

    Raises UserError for a file that cannot be read or holds other arrays, and as `from_arrays` does.
    """
    path = Path(path)
    known = {f"{kind}_{part}" for part in PARTS for kind in ("x", "y", "group")} | {"classes"}
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except DAMAGE as error:
        raise UserError(f"'{path}' cannot be read as arrays ({in_words(error)}): write it with numpy.savez.") from error
    strange = sorted(set(arrays) - known)
    parts = [part for part in PARTS if {f"x_{part}", f"y_{part}"} <= set(arrays)]
    halves = [key for key in arrays if key != "classes" and key.partition("_")[2] not in parts]
    if strange or halves or "train" not in parts:
        raise UserError(
            f"'{path}' holds {', '.join(sorted(arrays)) or 'nothing'}: name the arrays x_train and y_train, and as you "
            "like x_validation, y_validation, x_test, y_test, group_train (and so on), classes."
        )
    given = {part: Given(arrays[f"x_{part}"], arrays[f"y_{part}"], arrays.get(f"group_{part}")) for part in parts}
    classes = [str(one) for one in arrays["classes"].tolist()] if "classes" in arrays else None
    return own_data_set(name or path.stem, given, classes=classes, targets=targets)
