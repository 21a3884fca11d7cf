"""The store keeps whole outcomes, whatever ends the program, and never touches what it does not know."""

import gzip
import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from tinyprop.bench.compare.archive import read_archive, write_archive
from tinyprop.bench.compare.cell import Cell, Checkpoint, Outcome, Variant
from tinyprop.bench.compare.count import Count
from tinyprop.bench.compare.store import VERSION, Row, Store
from tinyprop.errors import UserError

CELL = Cell("digits_rotated", "mlp", "ours", Variant("ours", {"drop": 0.3}), 0.05, 0, 25, 4, 2)
OUTCOME = Outcome(50.0, 90.0, 97.0, 80.0, 0.1, 0.5, 0.6, (3.0, 10.0), (Checkpoint(5, 70.0, 1000),), "abc")
ROW = Row(CELL, OUTCOME, {"code": "0", "data": "1"})

WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from dataclasses import replace
from test_store import ROW
from tinyprop.bench.compare.store import Store
store = Store(Path(sys.argv[1]))
for seed in range(100_000):
    store.append(replace(ROW, cell=replace(ROW.cell, seed=seed)))
    print(seed, flush=True)
"""


def test_rows_come_back_as_they_were(tmp_path):
    with Store(tmp_path / "new" / "store.sqlite") as store:
        store.append(ROW)
        store.append(replace(ROW, cell=replace(CELL, seed=1)))
    with Store(tmp_path / "new" / "store.sqlite") as store:
        assert store.rows() == (ROW, replace(ROW, cell=replace(CELL, seed=1)))
        assert store.keys() == {CELL.key, replace(CELL, seed=1).key}


def test_rows_from_before_layers_were_looked_at_are_read(tmp_path):
    with Store(tmp_path / "store.sqlite") as store:
        store.append(ROW)
        with store._connection as connection:
            without = "replace(replace(outcome, ',\"kept\":[],\"parts\":[]}', '}'), ',\"layers\":[]', '')"
            connection.execute(f"UPDATE outcomes SET outcome = {without}")
            (text,) = connection.execute("SELECT outcome FROM outcomes").fetchone()
        assert "layers" not in text
        assert text.count("kept") == 1
        assert store.rows() == (ROW,)


def test_a_cell_that_is_there_stays_as_it_is(tmp_path):
    with Store(tmp_path / "store.sqlite") as store:
        store.append(ROW)
        store.append(replace(ROW, outcome=replace(OUTCOME, accuracy_after=1.0)))
        assert store.rows() == (ROW,)


def test_the_key_is_of_all_that_decides_the_outcome_and_of_nothing_else():
    assert replace(CELL, variant="another name").key == CELL.key
    others = [
        replace(CELL, scenario="digits_new_classes"),
        replace(CELL, model="cnn"),
        replace(CELL, trains=Variant("ours", {"drop": 0.2})),
        replace(CELL, trains=Variant("ours", {"drop": 0.3}, "last_layer")),
        replace(CELL, rate=0.02),
        replace(CELL, seed=1),
        replace(CELL, pretrain_epochs=24),
        replace(CELL, field_epochs=3),
        replace(CELL, checkpoints=3),
    ]
    assert len({cell.key for cell in (CELL, *others)}) == 10


def test_equal_cells_have_equal_keys_wherever_they_come_from():
    made = replace(CELL, trains=Variant("full"))
    read = msgspec.json.decode(msgspec.json.encode(made).replace(b',"trainable":null', b""), type=Cell)
    assert made == read
    assert made.key == read.key
    # Stores hold keys: another way to make them would let --resume run everything anew.
    assert made.key == "9f74329d66be56e4474bbb30fb32e9a320e1faa42329301858b9ac4f0ff507f6"


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is of POSIX")
@pytest.mark.parametrize("after", [1, 7, 40])
def test_killed_while_it_writes_it_keeps_all_that_was_said_to_be_stored(tmp_path, after):
    path = tmp_path / "store.sqlite"
    arguments = [sys.executable, "-c", WRITER, str(path), str(Path(__file__).parent)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        said = [int(writer.stdout.readline()) for _ in range(after)]
        os.kill(writer.pid, signal.SIGKILL)
    with Store(path) as store:
        seeds = [row.cell.seed for row in store.rows()]
        assert seeds[: len(said)] == said
        assert seeds == list(range(len(seeds)))
        store.append(replace(ROW, cell=replace(CELL, seed=10**6)))
    (verdict,) = sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone()
    assert verdict == "ok"


def test_what_is_no_store_of_ours_is_left_alone(tmp_path):
    text, foreign, later = tmp_path / "text", tmp_path / "foreign", tmp_path / "later"
    text.write_text("no database, but long enough to be looked at as one" * 10)
    sqlite3.connect(foreign).execute("CREATE TABLE theirs (x)").connection.close()
    Store(later).close()
    connection = sqlite3.connect(later)
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    before = {path: path.read_bytes() for path in (text, foreign, later)}
    for path, sentence in (
        (text, "cannot be used as a store of results"),
        (foreign, "is a database, but not of tinyprop"),
        (later, f"written by a later tinyprop .format {VERSION + 1}, this one knows {VERSION}."),
    ):
        with pytest.raises(UserError, match=sentence):
            Store(path)
        assert path.read_bytes() == before[path]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be used as a store of results"):
        Store(tmp_path / "file" / "store.sqlite")


def test_a_full_disk_is_named_and_loses_nothing(tmp_path):
    path = tmp_path / "store.sqlite"
    with Store(path) as store:
        store.append(ROW)
        store._connection.execute("PRAGMA max_page_count = 3")  # SQLite's own full disk
        large = replace(ROW, cell=replace(CELL, seed=1), provenance={"code": "x" * 100_000})
        with pytest.raises(UserError, match=r"database or disk is full.*what was stored before is untouched"):
            store.append(large)
        assert store.rows() == (ROW,)


def test_a_row_is_on_disk_before_the_next_run(tmp_path):
    """A kill cannot tell, only a power cut could: SQLite promises to wait for the disk, if asked to (2: FULL)."""
    with Store(tmp_path / "store.sqlite") as store:
        assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)


COUNT = Count(CELL, "nano33ble", 2.5, 3.5, 4, "0")


def test_a_store_made_from_an_archive_is_as_the_first(tmp_path):
    archive = tmp_path / "runs.jsonl.gz"
    assert read_archive(archive) == ()
    with Store(tmp_path / "first.sqlite") as first, Store(tmp_path / "second.sqlite") as second:
        first.append(ROW)
        first.append(replace(ROW, cell=replace(CELL, seed=1)))
        first.append_count(COUNT, {"code": "2"})
        write_archive(archive, first.entries())
        second.append(replace(ROW, outcome=replace(OUTCOME, accuracy_after=1.0)))
        second.merge(read_archive(archive))
        assert second.keys() == first.keys()
        assert [row.outcome.accuracy_after for row in second.rows()] == [1.0, 90.0]  # what was there stays
        assert second.counts() == (COUNT,)
        assert {entry.provenance["code"] for entry in second.entries() if entry.count} == {"2"}
        assert {entry.made for entry in first.entries()} == {entry.made for entry in read_archive(archive)}
        before = archive.read_bytes()
        write_archive(archive, reversed(first.entries()))
        assert archive.read_bytes() == before


DAMAGED = {
    "text": b"no archive",
    "nothing in it": gzip.compress(b"{}\n", mtime=0),
    "cut": gzip.compress(b"[]", mtime=0)[:-5],
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_what_is_no_archive_is_refused_in_a_sentence(tmp_path, content):
    (tmp_path / "runs.jsonl.gz").write_bytes(content)
    with pytest.raises(UserError, match=r"runs\.jsonl\.gz' cannot be read as an archive of runs \(.*\): name a file"):
        read_archive(tmp_path / "runs.jsonl.gz")
