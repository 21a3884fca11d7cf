"""Whether a file is the one it should be: its hash against the table's, or against that of its first use."""

import hashlib
import os
import tempfile
from pathlib import Path

import msgspec

from tinyprop.data.loader import DataFile
from tinyprop.errors import UserError


class _Seen(msgspec.Struct, frozen=True):
    """What was found in a file. size, mtime_ns: while these are the same, the file is not read again."""

    sha256: str
    size: int
    mtime_ns: int


def require_official(file: DataFile, path: Path) -> str:
    """The SHA-256 of `path`. Raises UserError where it is not `file`.

    The hash is computed once and kept in `<name>.seen.json` beside the file; it is computed again when the size or the
    time of the last change is another. Where the table has no hash, the first one seen is what later ones must equal;
    an MD5 of the table is compared with before a new SHA-256 is kept.
    """
    state, seen = path.stat(), _seen(path)
    unchanged = seen is not None and (seen.size, seen.mtime_ns) == (state.st_size, state.st_mtime_ns)
    found = seen.sha256 if seen is not None and unchanged else sha256_of(path)
    wanted = file.sha256 or (seen.sha256 if seen is not None and file.md5 is None else found)
    if found != wanted:
        raise _wrong(file, path, "SHA-256", found, wanted)
    if not unchanged:
        if file.sha256 is None and file.md5 is not None and (md5 := _hash_of(path, "md5")) != file.md5:
            raise _wrong(file, path, "MD5", md5, file.md5)
        _keep(path, _Seen(found, state.st_size, state.st_mtime_ns), needed=file.known_hash is None)
    return found


def sha256_of(path: Path) -> str:
    """Of a file's content. Raises UserError where it cannot be read."""
    return _hash_of(path, "sha256")


def record_of(path: Path) -> Path:
    """Where the hash of `path` is kept."""
    return path.with_name(f"{path.name}.seen.json")


def _hash_of(path: Path, kind: str) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, kind).hexdigest()
    except OSError as error:
        raise UserError(f"'{path}' cannot be read ({error.strerror}).") from error


def _wrong(file: DataFile, path: Path, kind: str, found: str, wanted: str) -> UserError:
    origin = "the official file has" if file.known_hash else "at its first use it had"
    again = "run `tinyprop data fetch` again" if file.url else "put the right one there"
    return UserError(
        f"'{path}' is not the file it should be: its {kind} is {found}, {origin} {wanted}; delete it and {again}."
    )


def _seen(path: Path) -> _Seen | None:
    try:
        return msgspec.json.decode(record_of(path).read_bytes(), type=_Seen)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise UserError(
            f"'{record_of(path)}', the hash kept of a data file, cannot be read ({error}): delete it if you trust "
            f"'{path.name}'."
        ) from error


def _keep(path: Path, seen: _Seen, *, needed: bool) -> None:
    """Whole or not at all. A cache that cannot be written costs time only, unless nothing else knows the hash."""
    record = record_of(path)
    try:
        handle, name = tempfile.mkstemp(dir=record.parent, prefix=f".{record.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.json.encode(seen))
            Path(name).replace(record)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        if needed:
            raise UserError(
                f"the hash of '{path}' cannot be kept in '{record.name}' beside it ({error.strerror}), and nothing "
                "else vouches for this file: make room, or make the folder writable."
            ) from error
