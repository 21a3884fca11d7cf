"""The files in a folder, a ZIP or a TAR, one after the other: nothing is unpacked to disk."""

import gzip
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tinyprop.data.damage import DAMAGE as OF_ANY_FILE
from tinyprop.data.damage import in_words
from tinyprop.errors import UserError

LARGEST_BYTES = 64 << 20  # of one file: half an hour of sound; whatever claims more is no clip
GZIP_MAGIC = b"\x1f\x8b"
DAMAGE = (*OF_ANY_FILE, RuntimeError, struct.error)  # RuntimeError: a ZIP under a password

Wanted = Callable[[str], bool]


def entries(path: Path, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
    """(name, content) of each file whose name is wanted: a folder's and a ZIP's by name, a TAR's in its own order.

    Names are relative, with '/' between their parts. A TAR compressed by gzip is read to its checksum even where
    nothing more is wanted. Raises UserError where the path is missing, is no archive, is damaged or cut off.
    """
    if not path.exists():
        raise UserError(f"'{path}' is not there: give the folder, or the archive as it was downloaded.")
    try:
        yield from _reader(path)(path, wanted)
    except DAMAGE as error:
        raise UserError(
            f"'{path}' cannot be read to its end ({in_words(error)}): it is damaged, get it anew."
        ) from error


def names_in(path: Path) -> list[str]:
    """Names of all files. Raises UserError as `entries` does."""
    found: list[str] = []

    def note(name: str) -> bool:
        found.append(name)
        return False

    for _ in entries(path, note):
        pass
    return found


def _reader(path: Path) -> Callable[[Path, Wanted], Iterator[tuple[str, bytes]]]:
    if path.is_dir():
        return _folder_entries
    if zipfile.is_zipfile(path):
        return _zip_entries
    with path.open("rb") as file:
        compressed = file.read(2) == GZIP_MAGIC
    if compressed or tarfile.is_tarfile(path):
        return _tar_entries
    raise UserError(f"'{path}' is no folder, ZIP or TAR, or its end is missing: get it anew.")


def _folder_entries(path: Path, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path).as_posix()
        if file.is_file() and wanted(name):
            _require_size(path, name, file.stat().st_size)
            yield name, file.read_bytes()


def _zip_entries(path: Path, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for info in sorted(archive.infolist(), key=lambda one: one.filename):
            if not info.is_dir() and wanted(info.filename):
                _require_size(path, info.filename, info.file_size)
                yield info.filename, archive.read(info)


def _tar_entries(path: Path, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
    # tarfile's own reading of gzip in a stream takes one that is cut off for one that has ended; GzipFile does not.
    with path.open("rb") as file:
        compressed = file.read(2) == GZIP_MAGIC
        file.seek(0)
        stream = gzip.GzipFile(fileobj=file) if compressed else file
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                name = member.name.removeprefix("./")
                if not member.isfile() or not wanted(name):
                    continue
                _require_size(path, name, member.size)
                content = tar.extractfile(member)
                if content is not None:
                    yield name, content.read()
        while stream.read(1 << 20):
            pass


def _require_size(path: Path, name: str, size: int) -> None:
    if size > LARGEST_BYTES:
        raise UserError(
            f"'{name}' in '{path}' has {size:,} bytes, and no clip has more than {LARGEST_BYTES:,}: this is not the "
            f"official archive, or it is damaged."
        )
