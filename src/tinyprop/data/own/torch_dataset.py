"""Own data as a PyTorch Dataset, or anything that has a length and can be indexed; PyTorch is not needed."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from tinyprop.data.own.given import Given, own_data_set
from tinyprop.data.samples import DataSet
from tinyprop.errors import UserError


class Indexed(Protocol):
    """A map-style Dataset: item i is (x, y) or (x, y, group)."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


def from_torch_dataset(
    train: Indexed,
    *,
    test: Indexed | None = None,
    validation: Indexed | None = None,
    classes: Sequence[str] | None = None,
    targets: bool = False,
    name: str = "own",
) -> DataSet:
    """Every item of each Dataset, read once. x: a tensor or array, of one shape; y: a label, or targets.

    classes: by default what `train.classes` names, as torchvision's Datasets do. A Dataset whose items differ from one
    reading to the next (random augmentation) is read as it is: switch that off before.

    Raises UserError for one without a length, an item of another shape or that cannot be read (it is named by its
    number), and as `from_arrays` does.
    """
    given = {
        part: _read(f"{name}: {part}", dataset)
        for part, dataset in (("train", train), ("validation", validation), ("test", test))
        if dataset is not None
    }
    names = classes if classes is not None or targets else getattr(train, "classes", None)
    return own_data_set(name, given, classes=names, targets=targets)


def _read(what: str, dataset: Indexed) -> Given:
    if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
        raise UserError(f"{what} is a {type(dataset).__name__}, without length or index: give a map-style Dataset.")
    items = [_item(what, dataset, index) for index in range(len(dataset))]
    if not items:
        raise UserError(f"{what} is empty: give it samples.")
    shapes = [(x.shape, y.shape, len(rest)) for x, y, *rest in items]
    odd = next((index for index, shape in enumerate(shapes) if shape != shapes[0]), None)
    if odd is not None:
        raise UserError(
            f"{what}: item {odd} has x of {shapes[odd][0]} and y of {shapes[odd][1]}, item 0 {shapes[0][0]} and "
            f"{shapes[0][1]}: bring all to one shape."
        )
    columns = [np.stack(column) for column in zip(*items, strict=True)]
    return Given(*columns)


def _item(what: str, dataset: Indexed, index: int) -> tuple[np.ndarray, ...]:
    try:
        item = dataset[index]
        if not isinstance(item, tuple | list) or len(item) not in (2, 3):
            raise ValueError(f"is {type(item).__name__}, not (x, y) or (x, y, group)")
        x, *rest = (np.asarray(one) for one in item)
        return x, *rest
    except Exception as error:  # whatever a user's Dataset raises
        raise UserError(f"{what}: item {index} cannot be read ({error}).") from error
