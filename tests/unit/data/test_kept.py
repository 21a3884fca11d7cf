"""Decoded samples in the cache: decoded once, by one process; damaged or half written, they are decoded again."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as drawn

import official_files
from tinyprop.data import Samples, kept, load
from tinyprop.data.images import decoded
from tinyprop.data.kept import DRAFT, MOST, RECORD
from tinyprop.data.loader import Parts

SOURCE, TESTS = Path(kept.__file__).parents[2], Path(official_files.__file__).parent
ARRAYS = ("train_x", "train_y", "validation_x", "validation_y", "test_x", "test_y", "classes", "to_find")


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    """The compact file of a tiny CIFAR-10, which TINYPROP_DATA names, and an empty cache."""
    monkeypatch.setenv("TINYPROP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TINYPROP_DATA", str(tmp_path / "arrays"))
    return official_files.write_compact("cifar10", tmp_path / "arrays")


@pytest.fixture
def decodings(monkeypatch):
    """One item for each image that was decoded."""
    seen = []
    monkeypatch.setattr("tinyprop.data.compact.decoded", lambda file: seen.append(file) or decoded(file))
    return seen


def entries(tmp_path):
    return sorted(path.parent for path in (tmp_path / "cache").rglob(RECORD))


def put(file, content):
    """In the place of `file`, not into it: samples that were loaded are mapped from there."""
    file.unlink(missing_ok=True)
    file.write_bytes(content)


def require_equal(one, other):
    assert (one.classes, one.name, one.to_find) == (other.classes, other.name, other.to_find)
    for part, samples in one.parts.items():
        for field in ("x", "y"):
            a, b = getattr(samples, field), getattr(other.parts[part], field)
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)


def test_the_second_load_decodes_nothing(cifar, decodings):
    first = load("cifar10")
    assert len(decodings) == 40
    require_equal(load("cifar10"), first)
    assert len(decodings) == 40


def test_what_is_kept_is_what_was_decoded(cifar, monkeypatch, tmp_path):
    with monkeypatch.context() as without:
        without.setattr("tinyprop.data.finding.kept", lambda name, depends, decode: decode())
        fresh = load("cifar10")
    assert not entries(tmp_path)
    require_equal(load("cifar10"), fresh)
    require_equal(load("cifar10"), fresh)
    assert len(entries(tmp_path)) == 1


def test_other_content_other_settings_and_other_code_are_other_entries(cifar, decodings, monkeypatch, tmp_path):
    load("cifar10")
    arrays = official_files.COMPACT_ARRAYS["cifar10"]()
    arrays["y_test"] = np.roll(arrays["y_test"], 1)
    times = cifar.stat()
    official_files.write_compact("cifar10", tmp_path / "arrays", arrays)
    os.utime(cifar, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert load("cifar10").test.y.tolist() == arrays["y_test"].tolist()
    monkeypatch.setattr("tinyprop.data.kept._code", lambda: "other code")
    load("cifar10")
    monkeypatch.setattr("tinyprop.data.kept._versions", lambda: ("pillow 1.0",))
    load("cifar10")
    assert len(decodings) == 4 * 40
    assert len(entries(tmp_path)) == 4


@pytest.mark.parametrize("name", [*(f"{one}.npy" for one in ARRAYS), RECORD])
def test_a_damaged_entry_is_decoded_again(cifar, decodings, tmp_path, name):
    expected = load("cifar10")
    (entry,) = entries(tmp_path)
    whole = (entry / name).read_bytes()
    assert whole
    flipped = [bytearray(whole) for _ in range(6)]
    for damaged, place in zip(flipped, np.linspace(0, len(whole) - 1, 6).astype(int).tolist(), strict=True):
        damaged[place] ^= 0x04
    for damaged in (*flipped, whole[: len(whole) // 2], whole[:-1], b"", None):
        before = len(decodings)
        (entry / name).unlink() if damaged is None else put(entry / name, damaged)
        require_equal(load("cifar10"), expected)
        assert len(decodings) == before + 40 or damaged in flipped  # a flip in the padding of a header changes nothing
        require_equal(load("cifar10"), expected)
        assert len(decodings) <= before + 40
        assert entries(tmp_path) == [entry]


def test_every_bit_of_the_values_is_looked_at(cifar, decodings, tmp_path):
    expected = load("cifar10")
    (entry,) = entries(tmp_path)
    rng = np.random.default_rng(0)
    for name in ("train_x", "train_y", "classes"):
        file = entry / f"{name}.npy"
        for place in rng.integers(128, file.stat().st_size, 10).tolist():
            damaged, before = bytearray(file.read_bytes()), len(decodings)
            damaged[place] ^= 1 << int(rng.integers(8))
            put(file, damaged)
            require_equal(load("cifar10"), expected)
            assert len(decodings) == before + 40


class Hostile:
    def __reduce__(self):
        return (os.mkdir, ("made",))


def test_an_entry_that_would_run_something_is_decoded_again(cifar, decodings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expected = load("cifar10")
    (entry,) = entries(tmp_path)
    (entry / "train_y.npy").unlink()
    np.save(entry / "train_y.npy", np.array([Hostile()] * 20, object), allow_pickle=True)
    require_equal(load("cifar10"), expected)
    assert len(decodings) == 80
    assert not (tmp_path / "made").exists()


def test_an_array_of_another_entry_is_not_taken(cifar, decodings, tmp_path):
    expected = load("cifar10")
    (entry,) = entries(tmp_path)
    put(entry / "test_y.npy", (entry / "validation_y.npy").read_bytes())
    put(entry / "train_group.npy", (entry / "train_y.npy").read_bytes())
    require_equal(load("cifar10"), expected)
    assert load("cifar10").train.group is None
    assert len(decodings) == 80


def test_what_is_written_into_samples_stays_with_who_writes(cifar, decodings):
    first = load("cifar10")
    expected = first.train.x.copy()
    first.train.x[:] = 7
    np.testing.assert_array_equal(load("cifar10").train.x, expected)
    assert len(decodings) == 40


def test_a_full_disk_costs_time_only(cifar, decodings, monkeypatch, tmp_path):
    def full(*_arguments, **_named):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tinyprop.data.kept.np.save", full)
    load("cifar10")
    load("cifar10")
    assert len(decodings) == 80
    assert [path.name for path in (tmp_path / "cache" / "decoded" / "cifar10").iterdir()] == ["lock"]


def test_a_disk_that_would_be_half_full_of_it_is_left_alone(cifar, monkeypatch, tmp_path):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("tinyprop.data.kept.shutil.disk_usage", lambda _: usage(10**9, 10**9 - 10**5, 10**5))
    load("cifar10")
    assert not entries(tmp_path)


def test_a_cache_that_cannot_be_made_costs_time_only(cifar, decodings, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("TINYPROP_CACHE", str(tmp_path / "file"))
    load("cifar10")
    load("cifar10")
    assert len(decodings) == 80


def test_entries_that_nobody_uses_are_forgotten(cifar, monkeypatch, tmp_path):
    stale = tmp_path / "cache" / "decoded" / "cifar10" / f"{DRAFT}of-a-killed-process"
    stale.mkdir(parents=True)
    (stale / "train_x.npy").write_bytes(b"half")
    made = []
    for version in range(MOST + 2):
        monkeypatch.setattr("tinyprop.data.kept._code", lambda version=version: str(version))
        load("cifar10")
        (newest,) = set(entries(tmp_path)) - set(made)
        os.utime(newest / RECORD, (version, version))
        made.append(newest)
        if version == MOST - 1:  # the oldest is used once more
            monkeypatch.setattr("tinyprop.data.kept._code", lambda: "0")
            load("cifar10")
    assert entries(tmp_path) == sorted([made[0], *made[3:]])
    assert not stale.exists()


WATCHED = """
import os, sys, time
import tinyprop.data.compact as compact
log, hurry = sys.argv[1], sys.argv[2] == "hurry"
original = compact.decoded
started = False
def decoded(file):
    global started
    if not started:
        started = True
        with open(log, "a") as out: out.write(f"{os.getpid()}\\n")
        time.sleep(0.5 if hurry else 600)
    return original(file)
compact.decoded = decoded
from tinyprop.data import load
print(float(load("cifar10").train.x.sum()))
"""


def started(log, how):
    environment = os.environ | {"PYTHONPATH": f"{SOURCE}{os.pathsep}{TESTS}"}
    command = [sys.executable, "-c", WATCHED, str(log), how]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def wait_for(log):
    while not log.exists() or not log.read_text():
        time.sleep(0.02)


@pytest.mark.skipif(kept.fcntl is None, reason="this system has no locks that a killed process lets go")
def test_of_several_processes_one_decodes(cifar, tmp_path):
    log = tmp_path / "log"
    running = [started(log, "hurry") for _ in range(3)]
    sums = {one.communicate(timeout=120)[0] for one in running}
    assert [one.returncode for one in running] == [0, 0, 0]
    assert sums == {f"{float(load('cifar10').train.x.sum())}\n"}
    assert len(log.read_text().splitlines()) == 1
    assert len(entries(tmp_path)) == 1


@pytest.mark.skipif(kept.fcntl is None, reason="this system has no locks that a killed process lets go")
def test_a_process_killed_while_it_decodes_holds_nobody_up(cifar, tmp_path):
    log = tmp_path / "log"
    killed = started(log, "forever")
    wait_for(log)
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=120)
    other = started(log, "hurry")
    assert other.communicate(timeout=120)[0] == f"{float(load('cifar10').train.x.sum())}\n"
    assert len(entries(tmp_path)) == 1


def test_without_locks_the_first_to_end_is_kept(cifar, decodings, monkeypatch, tmp_path):
    monkeypatch.setattr("tinyprop.data.kept.fcntl", None)
    expected = load("cifar10")
    (entry,) = entries(tmp_path)
    times = (entry / "train_x.npy").stat().st_mtime_ns
    original, calls = kept._read, []

    def as_if_it_was_not_there_yet(place):
        calls.append(place)
        return None if len(calls) <= 2 else original(place)

    monkeypatch.setattr("tinyprop.data.kept._read", as_if_it_was_not_there_yet)
    monkeypatch.setattr("tinyprop.data.kept.shutil.rmtree", lambda *_, **__: None)
    require_equal(load("cifar10"), expected)
    assert len(decodings) == 80
    assert (entry / "train_x.npy").stat().st_mtime_ns == times


@st.composite
def parts_drawn(draw):
    shape = draw(drawn.array_shapes(min_dims=1, max_dims=3, max_side=4))
    classes = draw(st.lists(st.text(min_size=1, max_size=5).filter(lambda t: not t.endswith("\0")), max_size=3))
    grouped = draw(st.booleans())

    def samples():
        count = draw(st.integers(1, 4))
        x = draw(drawn.arrays(np.float32, (count, *shape)))
        y = np.arange(count) if classes else draw(drawn.arrays(np.float32, (count, 2)))
        return Samples(x, y, np.arange(count) - 2 if grouped else None)

    return Parts(samples(), samples(), tuple(classes), samples(), tuple(classes[:1]))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(parts=parts_drawn())
def test_any_parts_come_back_bit_for_bit(parts, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYPROP_CACHE", str(tmp_path_factory.mktemp("cache")))
        for _ in range(2):
            back = kept.kept("drawn", ("once",), lambda: parts)
            assert (back.classes, back.to_find) == (parts.classes, parts.to_find)
            for name in ("train", "validation", "test"):
                for field in ("x", "y", "group"):
                    one, other = getattr(getattr(back, name), field), getattr(getattr(parts, name), field)
                    assert (one is None) == (other is None)
                    assert one is None or (one.dtype, one.shape, one.tobytes()) == (
                        other.dtype,
                        other.shape,
                        other.tobytes(),
                    )
        kept.kept("drawn", ("once",), lambda: pytest.fail("decoded again"))
