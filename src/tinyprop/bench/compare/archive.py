"""What a store holds, as a file that can be committed: with it a campaign goes on on another machine.

One JSON document a line, an `Entry` each, sorted and compressed, so that equal contents are equal bytes.
"""

import gzip
import zlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from tinyprop.bench.atomic_file import write_whole
from tinyprop.bench.compare.store import Entry
from tinyprop.errors import UserError


def read_archive(path: Path) -> tuple[Entry, ...]:
    """Its entries; none where there is no such file yet. Raises UserError where it is damaged or something else."""
    if not path.exists():
        return ()
    try:
        lines = gzip.decompress(path.read_bytes()).splitlines()
        return tuple(msgspec.json.decode(line, type=Entry) for line in lines)
    except (OSError, EOFError, zlib.error, msgspec.MsgspecError) as error:
        raise UserError(
            f"'{path}' cannot be read as an archive of runs ({error}): name a file that `tinyprop compare --archive` "
            "wrote, or one that does not exist yet."
        ) from error


def write_archive(path: Path, entries: Iterable[Entry]) -> None:
    """Replaces the file by one of these entries. Raises UserError."""
    lines = sorted(msgspec.json.encode(entry, order="sorted") for entry in entries)
    write_whole(path, gzip.compress(b"".join(line + b"\n" for line in lines), mtime=0))
