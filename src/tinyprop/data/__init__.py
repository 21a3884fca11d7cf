"""Data sets: one file and one line of DATA_SETS each; the user's own data: `tinyprop.data.own`.

>>> from tinyprop.data import DATA_SETS
>>> "mnist" in DATA_SETS
True
"""

from dataclasses import fields
from pathlib import Path
from typing import Any

from tinyprop.data.cifar10 import Cifar10 as Cifar10
from tinyprop.data.cifar100 import Cifar100 as Cifar100
from tinyprop.data.digits import Digits as Digits
from tinyprop.data.download import Report as Report
from tinyprop.data.finding import Found as Found
from tinyprop.data.finding import fetch_edition, load_found
from tinyprop.data.finding import find as find
from tinyprop.data.flowers102 import Flowers102 as Flowers102
from tinyprop.data.food101 import Food101 as Food101
from tinyprop.data.har import HarFeatures as HarFeatures
from tinyprop.data.har import HarWindows as HarWindows
from tinyprop.data.loader import First as First
from tinyprop.data.loader import Loader as Loader
from tinyprop.data.machine_sound import MachineFeatures as MachineFeatures
from tinyprop.data.mnist import Mnist as Mnist
from tinyprop.data.own import from_arrays as from_arrays
from tinyprop.data.own import from_image_folder as from_image_folder
from tinyprop.data.own import from_npz as from_npz
from tinyprop.data.own import from_torch_dataset as from_torch_dataset
from tinyprop.data.own import from_window_csv as from_window_csv
from tinyprop.data.samples import DataSet as DataSet
from tinyprop.data.samples import Samples as Samples
from tinyprop.data.speech_commands import SpeechFeatures as SpeechFeatures
from tinyprop.errors import UserError, unknown_name

DATA_SETS: dict[str, type[Loader]] = {
    loader.name: loader
    for loader in (
        *(Digits, Mnist, Cifar10, Cifar100, Flowers102, Food101),
        *(HarWindows, HarFeatures, SpeechFeatures, MachineFeatures),
    )
}


def loader_named(name: str, **settings: Any) -> Loader:
    """The loader of that name, with its defaults where `settings` says nothing.

    Raises UserError for a name not in DATA_SETS, for a setting the loader does not have, and for one out of range.
    """
    if name not in DATA_SETS:
        raise unknown_name("data set", name, DATA_SETS)
    known = [field.name for field in fields(DATA_SETS[name])]
    for setting in settings:
        if setting not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise UserError(f"data set '{name}' was given '{setting}', which is not one of its settings: {has}.")
    return DATA_SETS[name](**settings)


def load(name: str, *, source: str | None = None, **settings: Any) -> DataSet:
    """The data set of that name, from what is on this machine; nothing is downloaded.

    source: "official files", "compact arrays" or "bundled"; by default the first of them that is here. settings: fields
    of the loader, such as side=32. Raises UserError where the set is not here (it says how to get it), where a file is
    damaged or not the official one, and as `loader_named` does.
    """
    return load_found(loader_named(name, **settings), source)


def fetch(name: str, report: Report | None = None, **settings: Any) -> tuple[Path, ...]:
    """Downloads the official files of a data set into the cache, those that are there excepted; where they now are.

    report: called with file name, bytes that are there, bytes in all. settings: fields of the loader, such as
    machine="fan". Raises UserError where that cannot be done; what has come so far is kept, and the next call goes on.
    """
    return fetch_edition(loader_named(name, **settings), report or (lambda _file, _done, _total: None))
