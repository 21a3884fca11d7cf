"""Own data as a folder of images, one sub-folder for each class."""

from pathlib import Path

import numpy as np

from tinyprop.data.damage import named
from tinyprop.data.images import channels_first, decoded, require_side, signed
from tinyprop.data.own.given import PARTS, Given, own_data_set
from tinyprop.data.samples import LISTED, DataSet
from tinyprop.errors import UserError


def from_image_folder(folder: str | Path, *, side: int, grey: bool = False, name: str | None = None) -> DataSet:
    """`folder`/<class>/<any name>, or `folder`/train/<class>/…, /test/<class>/… and, perhaps, /validation/<class>/….

    x (N, 3, side, side), or (N, 1, side, side) when grey, in −1 … 1: the shorter side of each image is brought to
    `side` (Lanczos) and the middle cut out. Whatever Pillow reads is an image; names that begin with a dot are passed
    by. Labels are the classes in the order of their names.

    Raises UserError for a file that is no image (all such are counted, the first are named), a class without one, a
    class that only a part has.
    """
    require_side(side)
    folder = Path(folder)
    parts = _parts(folder)
    classes = sorted({sub.name for part in parts.values() for sub in _listed(part, folders=True)})
    if not classes:
        raise UserError(f"'{folder}' holds no folder: put the images of each class into a folder of its name.")
    files = {part: _files(place, classes) for part, place in parts.items()}
    faults: list[str] = []
    given = {}
    for part, listed in files.items():
        images = [_image(path, side, grey, faults) for path, _ in listed]
        # A placeholder stands for what is damaged until all of it is known.
        given[part] = Given(signed(channels_first(images)), np.array([label for _, label in listed], np.int64))
    if faults:
        more = f" and {len(faults) - LISTED:,} more" if len(faults) > LISTED else ""
        raise UserError(f"in '{folder}' {'; '.join(faults[:LISTED])}{more}: replace or remove what is no image.")
    return own_data_set(name or folder.name or "own", given, classes=classes)


def _parts(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise UserError(f"'{folder}' is no folder: name one that holds a folder of images for each class.")
    given = {part: folder / part for part in PARTS if (folder / part).is_dir()}
    if "train" not in given:
        return {"train": folder}
    others = [path.name for path in _listed(folder) if path.name not in PARTS]
    if others:
        raise UserError(
            f"'{folder}' holds train and also '{others[0]}': beside train there may be validation and test."
        )
    return given


def _listed(folder: Path, *, folders: bool = False) -> list[Path]:
    found = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    return [path for path in found if path.is_dir()] if folders else found


def _files(folder: Path, classes: list[str]) -> list[tuple[Path, int]]:
    """Each image with its label. Raises UserError for an empty class and for what is neither image nor class."""
    stray = [path.name for path in _listed(folder) if not path.is_dir()]
    if stray:
        raise UserError(f"'{folder / stray[0]}' is in no class: move it into the folder of its class, or away.")
    listed = []
    for label, one in enumerate(classes):
        images = _listed(folder / one) if (folder / one).is_dir() else []
        if not images:
            raise UserError(
                f"'{folder / one}' has no image of class '{one}': add some, or remove the class everywhere."
            )
        listed += [(path, label) for path in images]
    return listed


def _image(path: Path, side: int, grey: bool, faults: list[str]) -> np.ndarray:
    try:
        with named(f"'{path.parent.name}/{path.name}'"):
            return decoded(path.read_bytes(), side, grey=grey)
    except ValueError as error:
        faults.append(str(error))
        return np.zeros((side, side, 1 if grey else 3), np.uint8)
