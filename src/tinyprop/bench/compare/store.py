"""Where outcomes are kept: an SQLite file that rows are only ever added to.

Each outcome is one transaction, on disk before the next run starts; whatever ends the program loses what was still
running and nothing else.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tinyprop.bench.compare.cell import Cell, Outcome
from tinyprop.errors import UserError

VERSION = 1  # of the tables below; a store of a later one is not touched
_TABLE = """CREATE TABLE outcomes (
    key TEXT PRIMARY KEY,     -- of the cell
    cell TEXT NOT NULL,       -- JSON, the full configuration of the run
    outcome TEXT NOT NULL,    -- JSON
    provenance TEXT NOT NULL, -- JSON: versions, hash of the code and of the data
    made TEXT NOT NULL        -- UTC, ISO 8601
) STRICT"""


@dataclass(frozen=True)
class Row:
    """A cell, what came of it, and what it was made with."""

    cell: Cell
    outcome: Outcome
    provenance: Mapping[str, str]


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
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            self.close()
            raise UserError(
                f"'{self._path}' was written by a later tinyprop (format {version}, this one knows {VERSION}): update "
                "tinyprop, or name another file."
            )
        if version == 0:
            (tables,) = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if tables:
                self.close()
                raise UserError(f"'{self._path}' is a database, but not of tinyprop: name another file.")
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.execute(_TABLE)
                self._connection.execute(f"PRAGMA user_version = {VERSION}")

    def append(self, row: Row) -> None:
        """Adds `row`, on disk when this returns. A cell that is there already stays as it is. Raises UserError."""
        values = (
            row.cell.key,
            *(msgspec.json.encode(part).decode() for part in (row.cell, row.outcome, row.provenance)),
            datetime.now(UTC).isoformat(timespec="seconds"),
        )
        with self._explained(), self._connection:
            self._connection.execute("INSERT OR IGNORE INTO outcomes VALUES (?, ?, ?, ?, ?)", values)

    def keys(self) -> frozenset[str]:
        """Of all cells that have an outcome."""
        with self._explained():
            return frozenset(key for (key,) in self._connection.execute("SELECT key FROM outcomes"))

    def rows(self) -> tuple[Row, ...]:
        """All of them, in the order they were added. Raises UserError where one cannot be read."""
        with self._explained():
            found = self._connection.execute("SELECT cell, outcome, provenance FROM outcomes ORDER BY rowid").fetchall()
            return tuple(
                Row(
                    msgspec.json.decode(cell, type=Cell),
                    msgspec.json.decode(outcome, type=Outcome),
                    msgspec.json.decode(provenance),
                )
                for cell, outcome, provenance in found
            )

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
