"""Where data sets are: which edition is here, its parts, and what to do where none is."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tinyprop.cache import cache_path
from tinyprop.data.compact import VARIABLE, compact_folder
from tinyprop.data.damage import in_words
from tinyprop.data.download import Report, downloaded
from tinyprop.data.kept import kept
from tinyprop.data.loader import BUNDLED, COMPACT, OFFICIAL, Edition, First, Loader, Parts
from tinyprop.data.official_file import require_official, sha256_of
from tinyprop.data.samples import DataSet, label_fault
from tinyprop.data.split import carved
from tinyprop.errors import UserError, unknown_name

SOURCES = (OFFICIAL, COMPACT, BUNDLED)


@dataclass(frozen=True)
class Found:
    """An edition whose files are all here."""

    edition: Edition
    paths: tuple[Path, ...]

    def parts(self, first: First | None = None) -> Parts:
        """What it holds, in its own order; `first`: only the start of each part.

        Raises UserError for a file that is not the official one, or is damaged, and for a label without a class.
        """
        edition = self.edition
        if edition.source == OFFICIAL:
            self._hashes()
        try:
            parts = edition.read(self.paths, First() if first is None else first)
            _require_labels(parts)
        except (KeyError, OSError, ValueError) as error:
            raise UserError(
                f"{self._place()} cannot be read as {edition.title} ({in_words(error)}): it must hold {edition.holds}; "
                f"{self._remedy()}."
            ) from error
        return parts

    def data_set(self) -> DataSet:
        """All of it, validation carved out of its training part unless it has one. Raises UserError as `parts` does."""
        edition = self.edition
        if edition.kept_as is None:
            parts = self._three_parts()
        else:
            parts = kept(edition.name, (edition.source, edition.kept_as, *self._hashes()), self._three_parts)
        assert parts.validation is not None
        about = (edition.name, edition.title, edition.summary, edition.source)
        three = (parts.train, parts.validation, parts.test)
        return DataSet(*about, parts.classes, *three, edition.stands_in_for, parts.to_find)

    def _three_parts(self) -> Parts:
        parts = self.parts()
        if parts.validation is not None:
            return parts
        train, validation = carved(parts.train)
        return replace(parts, train=train, validation=validation)

    def _hashes(self) -> tuple[str, ...]:
        """SHA-256 of each file. Raises UserError for one that is not the official one."""
        if self.edition.source != OFFICIAL:
            return tuple(map(sha256_of, self.paths))
        return tuple(require_official(*one) for one in zip(self.edition.files, self.paths, strict=True))

    def _place(self) -> str:
        return (
            f"'{self.paths[0] if len(self.paths) == 1 else self.paths[0].parent}'" if self.paths else "what is bundled"
        )

    def _remedy(self) -> str:
        if self.edition.source == COMPACT:
            return f"replace it, or unset {VARIABLE} to do without"
        return "delete what is damaged and fetch it again"


def find(loader: Loader, source: str | None = None) -> Found | None:
    """The first edition of `loader`, of that source only if one is given, whose files are all here; else None.

    Raises UserError for an unknown source.
    """
    if source is not None and source not in SOURCES:
        raise unknown_name("source of data", source, SOURCES)
    for edition in loader.editions():
        folder = folder_of(edition)
        if (source is not None and edition.source != source) or folder is None:
            continue
        paths = tuple(folder / file.name for file in edition.files)
        if all(path.is_file() for path in paths):
            return Found(edition, paths)
    return None


def load_found(loader: Loader, source: str | None = None) -> DataSet:
    """The data set of the edition that `find` finds. Raises UserError, saying how to get it, where there is none."""
    found = find(loader, source)
    if found is None:
        raise UserError(how_to_get(loader))
    return found.data_set()


def fetch_edition(loader: Loader, report: Report) -> tuple[Path, ...]:
    """The official files of `loader`, downloaded where they are not there. Raises UserError as `downloaded` does."""
    edition = official(loader)
    if edition is None:
        return ()
    folder = cache_path() / "data" / edition.folder
    return downloaded(edition.files, folder, report)


def official(loader: Loader) -> Edition | None:
    """The edition that is downloaded; None where nothing needs to be."""
    return next((edition for edition in loader.editions() if edition.source == OFFICIAL), None)


def folder_of(edition: Edition) -> Path | None:
    """Where its files lie, whether or not they are there; None where TINYPROP_DATA would have to name it."""
    places: dict[str, Callable[[], Path | None]] = {
        OFFICIAL: lambda: cache_path() / "data",
        COMPACT: compact_folder,
        BUNDLED: Path,
    }
    base = places[edition.source]()
    return None if base is None else base / edition.folder


def how_to_get(loader: Loader) -> str:
    """For a reader whose machine has no edition of it."""
    ways = []
    edition = official(loader)
    if edition is not None:
        folder = cache_path() / "data" / edition.folder
        missing = [file for file in edition.files if not (folder / file.name).is_file()]
        listed = ", ".join(f"'{file.name}' from {file.url}" for file in missing)
        sizes = [file.size for file in missing if file.size is not None]
        size = f" ({sum(sizes) / 1e6:,.0f} MB)" if len(sizes) == len(missing) else ""
        ways.append(f"run `{fetch_command(loader)}`{size}")
        ways.append(f"without a network, put {listed} into '{folder}'")
    compact = [edition for edition in loader.editions() if edition.source == COMPACT]
    if compact:
        names = " or ".join(f"'{edition.folder}/{edition.files[0].name}'" for edition in compact)
        ways.append(f"let {VARIABLE} name a folder with the compact arrays {names}")
    return f"the data set '{loader.name}' is not on this machine: {'; or '.join(ways)}."


def fetch_command(loader: Loader) -> str:
    """What to type to download it, with the settings that are not the defaults."""
    given = (f" {name}={_typed(value)}" for name, value in loader.chosen.items())
    return f"tinyprop data fetch {loader.name}{''.join(given)}"


def _typed(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _require_labels(parts: Parts) -> None:
    """Raises ValueError for a label without a class."""
    for part, samples in (("train", parts.train), ("validation", parts.validation), ("test", parts.test)):
        fault = label_fault(parts.classes, samples.y) if samples is not None and parts.classes else None
        if fault is not None:
            raise ValueError(f"in {part} {fault}")
