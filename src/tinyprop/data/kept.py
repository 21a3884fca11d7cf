"""Samples that take long to decode, kept in the cache: the first process decodes them, all others map its arrays.

`decoded/<name>/<key>/` below the cache holds one .npy an array, and `arrays.json` that says what each must be. The key
is a hash of all that the samples depend on, so what is kept is never out of date, only unused. A folder appears whole
or not at all; what is damaged is decoded again. Nothing here is needed: where it cannot be written, decoding takes its
time.
"""

import hashlib
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
import numpy as np

from tinyprop import features
from tinyprop.cache import cache_path
from tinyprop.data.damage import DAMAGE
from tinyprop.data.loader import Parts
from tinyprop.data.samples import Samples
from tinyprop.errors import UserError
from tinyprop.ir import elementary

try:
    import fcntl
except ImportError:  # Windows: processes that start together decode together, the first to end is kept
    fcntl = None  # type: ignore[assignment]

RECORD, LOCK, DRAFT = "arrays.json", "lock", ".draft-"
MOST = 4  # entries of one name: of other settings, other files, other versions of this code
PARTS = ("train", "validation", "test")
FIELDS = ("x", "y", "group")
CLASSES, TO_FIND = "classes", "to_find"
NAMES = {*(f"{part}_{field}" for part in PARTS for field in FIELDS), CLASSES, TO_FIND}
LIBRARIES = ("numpy", "pillow")  # that decode


class _Array(msgspec.Struct, frozen=True):
    """What a file must hold. crc32: of its values; accidents are seen, forgery is not."""

    shape: tuple[int, ...]
    dtype: str
    crc32: int


def kept(name: str, depends: tuple[str, ...], decode: Callable[[], Parts]) -> Parts:
    """What `decode` gives, which has a validation part; from the cache where it is there, else put there.

    name: as the set is filed. depends: all that the samples depend on beside this code and the libraries that decode.
    Arrays are mapped: processes share their pages, and what one writes into them is its own. Raises what `decode` does.
    """
    place = cache_path() / "decoded" / name / _key(depends)
    parts = _read(place)
    if parts is not None:
        return parts
    with _alone(place.parent):
        parts = _read(place)  # another process may have been quicker
        if parts is None:
            parts = decode()
            _write(place, _arrays(parts))
            parts = _read(place) or parts
        return parts


def _key(depends: tuple[str, ...]) -> str:
    return hashlib.sha256(json.dumps([depends, _code(), _versions()]).encode()).hexdigest()[:32]


@cache
def _code() -> str:
    """A hash of the sources that samples come from."""
    rooms = [Path(__file__).parent, Path(features.__file__).parent]
    files = [*(file for room in rooms for file in sorted(room.rglob("*.py"))), Path(elementary.__file__)]
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


@cache
def _versions() -> tuple[str, ...]:
    found = []
    for library in LIBRARIES:
        with suppress(PackageNotFoundError):
            found.append(f"{library} {version(library)}")
    return tuple(found)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Makes `folder` and keeps other processes out of this block, as far as the system can; a killed one lets go."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("wb")
    except OSError:
        yield
        return
    with lock:
        if fcntl is not None:
            with suppress(OSError):  # some network drives have no locks
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _arrays(parts: Parts) -> dict[str, np.ndarray]:
    arrays = {
        f"{part}_{field}": np.ascontiguousarray(array)
        for part in PARTS
        for field in FIELDS
        if (array := getattr(getattr(parts, part), field)) is not None
    }
    return arrays | {name: np.array(getattr(parts, name), np.str_) for name in (CLASSES, TO_FIND)}


def _write(place: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Whole or not at all; nothing where there is no room, or half of it would be taken."""
    folder = place.parent
    with suppress(OSError):
        if shutil.disk_usage(folder).free < 2 * sum(array.nbytes for array in arrays.values()):
            return
        draft = Path(tempfile.mkdtemp(dir=folder, prefix=DRAFT))
        try:
            for name, array in arrays.items():
                np.save(_file(draft, name), array, allow_pickle=False)
            record = {name: _Array(array.shape, array.dtype.str, _crc32(array)) for name, array in arrays.items()}
            (draft / RECORD).write_bytes(msgspec.json.encode(record))
            shutil.rmtree(place, ignore_errors=True)  # a damaged one
            draft.rename(place)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        _forget(folder)


def _read(place: Path) -> Parts | None:
    """None where it is not there, or is damaged."""
    try:
        record = msgspec.json.decode((place / RECORD).read_bytes(), type=dict[str, _Array])
        if not set(record) <= NAMES:
            raise ValueError(f"{sorted(set(record) - NAMES)} is no array of a data set")
        arrays = {name: _mapped(_file(place, name), wanted) for name, wanted in record.items()}
        parts = _parts(arrays)
    except (*DAMAGE, msgspec.MsgspecError, UserError):
        return None
    with suppress(OSError):
        os.utime(place / RECORD)  # in use: not to be forgotten
    return parts


def _parts(arrays: Mapping[str, np.ndarray]) -> Parts:
    train, validation, test = (
        Samples(arrays[f"{part}_x"], arrays[f"{part}_y"], arrays.get(f"{part}_group")) for part in PARTS
    )
    classes, to_find = (tuple(map(str, arrays[name])) for name in (CLASSES, TO_FIND))
    return Parts(train, test, classes, validation, to_find)


def _mapped(file: Path, wanted: _Array) -> np.ndarray:
    """The array of a file, copied on writing. Raises ValueError where it is not what was written."""
    array = np.asarray(np.load(file, mmap_mode="c", allow_pickle=False))
    found = _Array(array.shape, array.dtype.str, _crc32(array))
    if found != wanted or not array.flags.c_contiguous:
        raise ValueError(f"{file.name} is {found}, {wanted} was written")
    return array


def _crc32(array: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(array).view(np.uint8).data)


def _forget(folder: Path) -> None:
    """Removes what killed processes left, and the entries that nobody has used for longest."""

    def last_used(entry: Path) -> float:
        return (entry / RECORD).stat().st_mtime if (entry / RECORD).is_file() else 0.0

    folders = [one for one in folder.iterdir() if one.is_dir()]
    drafts = [one for one in folders if one.name.startswith(DRAFT)]
    entries = sorted((one for one in folders if one not in drafts), key=last_used, reverse=True)
    for one in (*drafts, *entries[MOST:]):
        shutil.rmtree(one, ignore_errors=True)


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.npy"
