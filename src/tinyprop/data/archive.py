"""Reading folders and archives as a stream: nothing is unpacked to disk, and an archive that is cut off is never half a
set."""

import gzip
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, cast

from tinyprop.data.damage import DAMAGE, in_words

GZIP_MAGIC = b"\x1f\x8b"

Wanted = Callable[[str], bool]
Files = Iterator[tuple[str, bytes]]


def files_in(path: Path, wanted: Wanted, largest: int | None = None) -> Files:
    """(name, content) of each file whose name is wanted, in a folder, a ZIP, or a TAR, compressed by gzip or not.

    A folder and a ZIP are read by name, a TAR in its own order, and to the checksum at its end whatever is wanted.
    Names are relative, with '/' between their parts. largest: bytes that no file exceeds. Raises ValueError, naming
    `path`, where it is no such thing, is damaged, or a wanted file is larger. A plain TAR that ends between two files
    is not seen to be cut off: the reader checks that all it needs was there.
    """

    def require_size(name: str, size: int) -> None:
        if largest is not None and size > largest:
            raise ValueError(f"'{name}' has {size:,} bytes, and no file of its kind has more than {largest:,}")

    try:
        yield from _reader(path)(path, wanted, require_size)
    except DAMAGE as error:
        raise ValueError(f"{path.name}: {in_words(error)}") from error


def _reader(path: Path) -> Callable[[Path, Wanted, Callable[[str, int], None]], Files]:
    if path.is_dir():
        return _of_folder
    if _is_gzip(path) or tarfile.is_tarfile(path):
        return _of_tar
    if zipfile.is_zipfile(path):
        return _of_zip
    raise ValueError("is no folder, ZIP or TAR, or its end is missing")


def _of_folder(path: Path, wanted: Wanted, require_size: Callable[[str, int], None]) -> Files:
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path).as_posix()
        if file.is_file() and wanted(name):
            require_size(name, file.stat().st_size)
            yield name, file.read_bytes()


def _of_zip(path: Path, wanted: Wanted, require_size: Callable[[str, int], None]) -> Files:
    with zipfile.ZipFile(path) as archive:
        for info in sorted(archive.infolist(), key=lambda one: one.filename):
            if info.is_dir():
                continue
            # Opening compares the name in the directory with that in front of the file: a damaged one is not passed by.
            with archive.open(info) as file:
                if wanted(info.filename):
                    require_size(info.filename, info.file_size)
                    yield info.filename, file.read()


def _of_tar(path: Path, wanted: Wanted, require_size: Callable[[str, int], None]) -> Files:
    with _plain(path) as stream:
        # "r|gz" would take a gzip stream that is cut off for one that has ended; GzipFile does not.
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                name = member.name.removeprefix("./")
                if not member.isfile() or not wanted(name):
                    continue
                require_size(name, member.size)
                content = tar.extractfile(member)
                if content is not None:
                    yield name, content.read()
        while stream.read(1 << 20):  # to the checksum at the end
            pass


def _plain(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb")) if _is_gzip(path) else path.open("rb")


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == GZIP_MAGIC
