"""What a loader is: a frozen record that knows the editions a data set comes in, and how each is read."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

from tinyprop.data.samples import Samples

OFFICIAL, COMPACT, BUNDLED, OWN = "official files", "compact arrays", "bundled", "own"


@dataclass(frozen=True)
class DataFile:
    """A file of an edition.

    name: its path in the edition's folder. url: where it is downloaded from. size: in bytes.
    sha256: None where nobody could vouch for one; then `md5`, where that is published, is what the file must have. With
    neither, the SHA-256 of the first use is kept and compared from then on.
    """

    name: str
    url: str | None = None
    sha256: str | None = None
    size: int | None = None
    md5: str | None = None

    @property
    def known_hash(self) -> str | None:
        """ "sha256:…" or "md5:…", None where neither is known."""
        known = (("sha256", self.sha256), ("md5", self.md5))
        return next((f"{kind}:{value}" for kind, value in known if value is not None), None)


@dataclass(frozen=True)
class First:
    """How many samples of each part are wanted, from its start; None: all."""

    train: int | None = None
    test: int | None = None


@dataclass(frozen=True)
class Parts:
    """What an edition holds, in its own order and split. validation: None where it names none.

    to_find: classes that are in test only, see `DataSet`.
    """

    train: Samples
    test: Samples
    classes: tuple[str, ...]
    validation: Samples | None = None
    to_find: tuple[str, ...] = ()


@dataclass(frozen=True)
class Edition:
    """One form in which a data set is found.

    source: OFFICIAL, COMPACT or BUNDLED. name, title, summary, stands_in_for: see `DataSet`.
    folder: below the cache (OFFICIAL) or below TINYPROP_DATA (COMPACT). holds: what its files must hold, for the error.
    read: its files, in the order of `files`, to its parts; a ValueError that names the file is a damaged file.
    kept_as: where reading takes long, all that the samples depend on beside the files, such as the loader's repr; they
    are then kept in the cache. None: they are read anew each time.
    """

    source: str
    name: str
    title: str
    summary: str
    folder: str
    files: tuple[DataFile, ...]
    holds: str
    read: Callable[[tuple[Path, ...], First], Parts]
    stands_in_for: str | None = None
    kept_as: str | None = None


@dataclass(frozen=True)
class Loader(ABC):
    """A data set. Subclasses are final, frozen dataclasses of their settings; one file each.

    name: as typed by a user; title: as printed in tables; summary: one line. Settings are checked when the loader is
    constructed; a wrong one raises UserError.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]

    @property
    def chosen(self) -> Mapping[str, Any]:
        """The settings that are not the defaults."""
        return {one.name: value for one in fields(self) if (value := getattr(self, one.name)) != one.default}

    @abstractmethod
    def editions(self) -> tuple[Edition, ...]:
        """Every form the set is read from, the one to be preferred first."""
