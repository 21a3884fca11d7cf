"""Reading archives as a stream: nothing is unpacked to disk, and an archive that is cut off is never half a set."""

import gzip
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from tinyprop.data.damage import DAMAGE, in_words

GZIP_MAGIC = b"\x1f\x8b"


def tar_members(path: Path) -> Iterator[tuple[str, bytes]]:
    """(name, content) of each regular file of a tar, compressed by gzip or not, in the archive's order.

    Raises ValueError, naming the file, where it is damaged. A plain tar that ends between two members is not seen to be
    cut off: the reader checks that all it needs was there.
    """
    try:
        with _plain(path) as stream:
            # "r|gz" would take a gzip stream that is cut off for one that has ended; GzipFile does not.
            with tarfile.open(fileobj=stream, mode="r|") as tar:
                for member in tar:
                    content = tar.extractfile(member) if member.isfile() else None
                    if content is not None:
                        yield member.name.removeprefix("./"), content.read()
            while stream.read(1 << 20):  # to the checksum at the end
                pass
    except DAMAGE as error:
        raise ValueError(f"{path.name}: {in_words(error)}") from error


def _plain(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        compressed = file.read(2) == GZIP_MAGIC
    return cast("IO[bytes]", gzip.open(path, "rb")) if compressed else path.open("rb")
