"""The files of a folder or an archive of sound that a user names: what is wrong with it is a sentence of its own."""

from collections.abc import Iterator
from pathlib import Path

from tinyprop.data.archive import Wanted, files_in
from tinyprop.errors import UserError

LARGEST_BYTES = 64 << 20  # of one file: half an hour of sound; whatever claims more is no clip


def recordings(path: Path, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
    """(name, content) of each file whose name is wanted, as `files_in` gives them.

    Raises UserError where the path is missing, is no archive, is damaged or cut off, or a file is larger than a clip.
    """
    if not path.exists():
        raise UserError(f"'{path}' is not there: give the folder, or the archive as it was downloaded.")
    try:
        yield from files_in(path, wanted, LARGEST_BYTES)
    except ValueError as error:
        what = str(error).removeprefix(f"{path.name}: ")
        raise UserError(f"'{path}' cannot be read to its end ({what}): it is damaged, get it anew.") from error


def names_in(path: Path) -> list[str]:
    """Names of all files. Raises UserError as `recordings` does."""
    found: list[str] = []

    def note(name: str) -> bool:
        found.append(name)
        return False

    for _ in recordings(path, note):
        pass
    return found
