"""Where outcomes are kept: an SQLite file that rows are only ever added to.

Each outcome is one transaction, on disk before the next run starts; whatever ends the program loses what was still
running and nothing else.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tinyprop.bench.compare.cell import Cell, Outcome
from tinyprop.bench.compare.count import Count
from tinyprop.errors import UserError

VERSION = 1  # of the tables below; a store of a later one is not touched
_TABLE = """CREATE TABLE outcomes (
    key TEXT PRIMARY KEY,     -- of the cell
    cell TEXT NOT NULL,       -- JSON, the full configuration of the run
    outcome TEXT NOT NULL,    -- JSON
    provenance TEXT NOT NULL, -- JSON: versions, hash of the code and of the data
    made TEXT NOT NULL        -- UTC, ISO 8601
) STRICT"""

_COUNTS = """CREATE TABLE IF NOT EXISTS counts (
    key TEXT NOT NULL,        -- of the cell
    board TEXT NOT NULL,
    count TEXT NOT NULL,      -- JSON
    provenance TEXT NOT NULL, -- JSON, as above
    made TEXT NOT NULL,
    PRIMARY KEY (key, board)
) STRICT"""


@dataclass(frozen=True)
class Row:
    """A cell, what came of it, and what it was made with."""

    cell: Cell
    outcome: Outcome
    provenance: Mapping[str, str]


@dataclass(frozen=True)
class Entry:
    """What the store holds of a run, `row`, or of steps that were counted, `count`; provenance: what it was made with.

    made: UTC, ISO 8601.
    """

    made: str
    provenance: Mapping[str, str]
    row: Row | None = None
    count: Count | None = None


def stored(path: Path) -> tuple[tuple[Row, ...], tuple[Count, ...]]:
    """All rows and counts of the store in the file `path`, in the order they were added; the file is only read.

    Raises UserError when it is missing or no such store, when a later tinyprop wrote it, and when it cannot be read.
    """
    if not path.is_file():
        raise UserError(
            f"there is no store '{path}': make one with `tinyprop compare --store {path}`, or name another."
        )
    try:
        # Not "ro": what a killed writer left behind is rolled back by whoever opens the file next.
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)
        with closing(connection):
            connection.execute("PRAGMA query_only = ON")
            if _version(connection, path) == 0:
                return (), ()
            return _rows(connection), _counts(connection)
    except (sqlite3.Error, OSError, msgspec.MsgspecError) as error:
        raise UserError(
            f"'{path}' cannot be read as a store of results ({error}): name a file that `tinyprop compare` wrote."
        ) from error


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """Of the tables; 0 where there are none yet. Raises UserError for a later one, and for tables that are not ours."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise UserError(
            f"'{path}' was written by a later tinyprop (format {version}, this one knows {VERSION}): update "
            "tinyprop, or name another file."
        )
    if version == 0:
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables:
            raise UserError(f"'{path}' is a database, but not of tinyprop: name another file.")
    return int(version)


def _rows(connection: sqlite3.Connection) -> tuple[Row, ...]:
    found = connection.execute("SELECT cell, outcome, provenance FROM outcomes ORDER BY rowid").fetchall()
    return tuple(
        Row(
            msgspec.json.decode(cell, type=Cell),
            msgspec.json.decode(outcome, type=Outcome),
            msgspec.json.decode(provenance, type=dict[str, str]),
        )
        for cell, outcome, provenance in found
    )


def _counts(connection: sqlite3.Connection) -> tuple[Count, ...]:
    """None where no run was counted yet, whose table is made with the first."""
    if not connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'counts'").fetchone()[0]:
        return ()
    found = connection.execute("SELECT count FROM counts ORDER BY rowid").fetchall()
    return tuple(msgspec.json.decode(count, type=Count) for (count,) in found)


def _entries(connection: sqlite3.Connection) -> Iterator[Entry]:
    made = [when for (when,) in connection.execute("SELECT made FROM outcomes ORDER BY rowid")]
    for row, when in zip(_rows(connection), made, strict=True):
        yield Entry(when, row.provenance, row=row)
    if counts := _counts(connection):
        with_what = connection.execute("SELECT provenance, made FROM counts ORDER BY rowid").fetchall()
        for count, (provenance, when) in zip(counts, with_what, strict=True):
            yield Entry(when, msgspec.json.decode(provenance, type=dict[str, str]), count=count)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _encoded(*parts: object) -> tuple[str, ...]:
    """Each as JSON."""
    return tuple(msgspec.json.encode(part).decode() for part in parts)


class Store:
    """The store in the file `path`, made when it is missing; use it in `with`, or close it.

    Raises UserError when the file is no such store, when a later tinyprop wrote it, or when it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path)
            self._connection.execute("PRAGMA synchronous = FULL")
            self._prepare()

    def _prepare(self) -> None:
        try:
            version = _version(self._connection, self._path)
        except UserError:
            self.close()
            raise
        if version == 0:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.execute(_TABLE)
                self._connection.execute(f"PRAGMA user_version = {VERSION}")

    def append(self, row: Row) -> None:
        """Adds `row`, on disk when this returns. A cell that is there already stays as it is. Raises UserError."""
        self.merge((Entry(_now(), row.provenance, row=row),))

    def append_count(self, count: Count, provenance: Mapping[str, str]) -> None:
        """The same of what was counted. provenance: what it was made with."""
        self.merge((Entry(_now(), provenance, count=count),))

    def merge(self, entries: Iterable[Entry]) -> None:
        """Adds all of them at once, or none. Raises UserError."""
        with self._explained(), self._connection:
            for entry in entries:
                made_with = (*_encoded(entry.provenance), entry.made)
                if (row := entry.row) is not None:
                    values = (row.cell.key, *_encoded(row.cell, row.outcome), *made_with)
                    self._connection.execute("INSERT OR IGNORE INTO outcomes VALUES (?, ?, ?, ?, ?)", values)
                if (count := entry.count) is not None:
                    self._connection.execute(_COUNTS)
                    values = (count.cell.key, count.board, *_encoded(count), *made_with)
                    self._connection.execute("INSERT OR IGNORE INTO counts VALUES (?, ?, ?, ?, ?)", values)

    def entries(self) -> tuple[Entry, ...]:
        """All that it holds, in the order it was added. Raises UserError where one cannot be read."""
        with self._explained():
            return tuple(_entries(self._connection))

    def counts(self) -> tuple[Count, ...]:
        """All that was counted, in the order it was added. Raises UserError where one cannot be read."""
        with self._explained():
            return _counts(self._connection)

    def keys(self) -> frozenset[str]:
        """Of all cells that have an outcome."""
        with self._explained():
            return frozenset(key for (key,) in self._connection.execute("SELECT key FROM outcomes"))

    def rows(self) -> tuple[Row, ...]:
        """All of them, in the order they were added. Raises UserError where one cannot be read."""
        with self._explained():
            return _rows(self._connection)

    def close(self) -> None:
        """Lets go of the file."""
        self._connection.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, msgspec.MsgspecError) as error:
            raise UserError(
                f"'{self._path}' cannot be used as a store of results ({error}): free some space, or name another file "
                "in a folder of yours; what was stored before is untouched."
            ) from error
