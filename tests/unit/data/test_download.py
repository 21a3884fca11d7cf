"""Downloads: verified, resumed, and in one sentence where they fail; from a server on this machine."""

import errno
import hashlib
import os
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import official_files
from tinyprop import data
from tinyprop.cache import cache_folder, cache_path
from tinyprop.data import download, mnist
from tinyprop.data.download import downloaded
from tinyprop.data.loader import DataFile
from tinyprop.data.official_file import record_of, require_official
from tinyprop.errors import UserError

pytest.importorskip("pooch", reason="downloads need pooch: pip install 'tinyprop[data]'")
CONTENT = np.random.default_rng(0).bytes(700_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def no_report(_file, _done, _total):
    pass


@pytest.fixture
def file(server):
    server.files["/set.bin"] = CONTENT
    return DataFile("set.bin", f"{server.address}set.bin", SHA256, len(CONTENT))


def test_a_download_is_verified_reported_and_done_once(server, file, tmp_path):
    reports = []
    (path,) = downloaded((file,), tmp_path / "a" / "b", lambda *report: reports.append(report))
    assert path.read_bytes() == CONTENT
    assert reports[-1] == ("set.bin", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in reports] == sorted(done for _, done, _ in reports)
    assert downloaded((file,), path.parent, no_report) == (path,)
    assert server.asked == [""]
    assert sorted(one.name for one in path.parent.iterdir()) == ["set.bin", "set.bin.seen.json"]


def test_a_download_that_breaks_off_goes_on(server, file, tmp_path):
    server.breaks_after = 300_000
    with pytest.raises(UserError, match=r"cannot be downloaded .* bytes are kept in .*\.part.* goes on there") as e:
        downloaded((file,), tmp_path, no_report)
    assert f"get {file.url} on another machine and put what you got into '{tmp_path}'" in str(e.value)
    kept = (tmp_path / "set.bin.part").stat().st_size
    assert 0 < kept <= 300_000
    assert not (tmp_path / "set.bin").exists()
    server.breaks_after = None
    reports = []
    (path,) = downloaded((file,), tmp_path, lambda *report: reports.append(report))
    assert server.asked == ["", f"bytes={kept}-"]
    assert reports[0][1] > kept
    assert reports[-1][1:] == (len(CONTENT), len(CONTENT))
    assert path.read_bytes() == CONTENT
    assert not (tmp_path / "set.bin.part").exists()


def test_a_download_that_the_user_stops_goes_on(server, file, tmp_path):
    def stop(_file, _done, _total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        downloaded((file,), tmp_path, stop)
    assert [path.name for path in tmp_path.iterdir()] == ["set.bin.part"]
    assert downloaded((file,), tmp_path, no_report)[0].read_bytes() == CONTENT
    assert server.asked[1].startswith("bytes=")


def test_a_server_that_knows_no_ranges_is_asked_for_all(server, file, tmp_path):
    (tmp_path / "set.bin.part").write_bytes(CONTENT[:1000])
    server.ranges = False
    (path,) = downloaded((file,), tmp_path, no_report)
    assert server.asked == ["bytes=1000-"]
    assert path.read_bytes() == CONTENT


def test_a_part_that_is_whole_already(server, file, tmp_path):
    (tmp_path / "set.bin.part").write_bytes(CONTENT)
    (path,) = downloaded((file,), tmp_path, no_report)
    assert path.read_bytes() == CONTENT


def test_a_part_of_another_file_is_found_out_and_thrown_away(server, file, tmp_path):
    (tmp_path / "set.bin.part").write_bytes(b"x" * 1000)
    with pytest.raises(UserError, match=r"is not 'set\.bin' .* It was deleted; try again"):
        downloaded((file,), tmp_path, no_report)
    assert not list(tmp_path.iterdir())
    (path,) = downloaded((file,), tmp_path, no_report)
    assert path.read_bytes() == CONTENT


def test_another_file_than_the_official_one_is_not_kept(server, file, tmp_path):
    server.files["/set.bin"] = CONTENT[:-1] + b"!"
    with pytest.raises(UserError, match=r"what came from http://127.* is not 'set\.bin' .*" + SHA256[:20]):
        downloaded((file,), tmp_path, no_report)
    assert not list(tmp_path.iterdir())


def test_without_a_known_hash_the_first_use_counts_and_nothing_is_pieced_together(server, file, tmp_path):
    unknown = replace(file, sha256=None)
    (tmp_path / "set.bin.part").write_bytes(b"x" * 1000)
    (path,) = downloaded((unknown,), tmp_path, no_report)
    assert server.asked == [""]
    assert SHA256 in record_of(path).read_text()
    path.write_bytes(CONTENT + b"!")
    with pytest.raises(UserError, match=f"at its first use it had {SHA256}"):
        require_official(unknown, path)
    path.write_bytes(CONTENT)
    require_official(unknown, path)


def test_where_only_an_md5_is_published_it_must_be_that(server, file, tmp_path):
    by_md5 = replace(file, sha256=None, md5=hashlib.md5(CONTENT).hexdigest())
    (tmp_path / "set.bin.part").write_bytes(CONTENT[:1000])
    (path,) = downloaded((by_md5,), tmp_path, no_report)
    assert server.asked == ["bytes=1000-"]
    assert SHA256 in record_of(path).read_text()
    path.write_bytes(CONTENT + b"!")
    with pytest.raises(UserError, match=rf"its MD5 is [0-9a-f]{{32}}, the official file has {by_md5.md5}; delete"):
        require_official(by_md5, path)
    path.unlink()
    server.files["/set.bin"] = CONTENT[:-1] + b"!"
    with pytest.raises(UserError, match=r"what came from http://127.* is not 'set\.bin' .*" + by_md5.md5):
        downloaded((by_md5,), tmp_path, no_report)
    assert not path.exists()


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/set.bin", "http://absent.invalid/a", "{server}absent.bin"])
def test_no_network_and_no_such_file(server, file, tmp_path, address):
    there = replace(file, url=address.format(server=server.address))
    with pytest.raises(UserError, match=r"'set.bin' cannot be downloaded \(.*Without a network: get http") as refused:
        downloaded((there, replace(file, name="more.bin", url="http://absent.invalid/more")), tmp_path / "c", no_report)
    text = str(refused.value)
    assert text.endswith(f"get {there.url}, http://absent.invalid/more on another machine and put what you got into "
                         f"'{tmp_path / 'c'}'.")  # fmt: skip
    assert "kept" not in text
    assert not list((tmp_path / "c").iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the full disk is simulated by /dev/full, which is not here")
def test_a_disk_that_fills_up(server, file, tmp_path):
    (tmp_path / "set.bin.part").symlink_to("/dev/full")
    with pytest.raises(UserError, match=r"'set.bin', 1 MB, cannot be written to .*No space left on device.*CACHE"):
        downloaded((replace(file, sha256=None),), tmp_path, no_report)
    assert not (tmp_path / "set.bin").exists()


def test_a_disk_without_room_is_seen_before_anything_is_asked_for(server, file, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _folder: usage._replace(free=len(CONTENT) - 1))
    with pytest.raises(UserError, match=r"No space left on device\): make room, or set TINYPROP_CACHE"):
        downloaded((file,), tmp_path, no_report)
    assert not server.asked


def test_a_folder_that_cannot_be_made(file, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot be written to .*: make room, or set TINYPROP_CACHE"):
        downloaded((file,), tmp_path / "file" / "below", no_report)


def test_without_pooch_the_extra_is_named(file, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pooch", None)
    with pytest.raises(UserError, match=r"downloading data needs pooch: run \"pip install 'tinyprop\[data\]'\""):
        downloaded((file,), tmp_path, no_report)


def test_a_file_is_read_again_only_when_it_changed(file, tmp_path, monkeypatch):
    path = tmp_path / "set.bin"
    path.write_bytes(CONTENT)
    require_official(file, path)
    monkeypatch.setattr("tinyprop.data.official_file.sha256_of", lambda _path: pytest.fail("read again"))
    require_official(file, path)
    monkeypatch.undo()
    path.write_bytes(CONTENT[:-1] + b"!")
    with pytest.raises(UserError, match="the official file has"):
        require_official(file, path)
    # The record alone does not make a wrong file right: the table's hash is what counts.
    other = replace(file, sha256=None)
    record_of(path).unlink()
    require_official(other, path)
    with pytest.raises(UserError, match="the official file has"):
        require_official(file, path)


def test_a_record_that_is_damaged_or_cannot_be_written(file, tmp_path, monkeypatch):
    path = tmp_path / "set.bin"
    path.write_bytes(CONTENT)
    record_of(path).write_text("{")
    with pytest.raises(UserError, match=r"set\.bin\.seen\.json', the hash kept of a data file, cannot be read"):
        require_official(file, path)
    record_of(path).unlink()

    def full(*_arguments, **_names):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("tinyprop.data.official_file.tempfile.mkstemp", full)
    require_official(file, path)  # the table vouches for it
    with pytest.raises(UserError, match=r"cannot be kept .*No space left on device.*nothing else vouches"):
        require_official(replace(file, sha256=None), path)


def test_a_set_is_fetched_and_loaded(server, tmp_path, monkeypatch):
    """All of the way: the four files of MNIST, from this machine."""
    official_files.write_mnist(tmp_path)
    files = []
    for file in mnist.FILES:
        content = (tmp_path / file.name).read_bytes()
        server.files[f"/{file.name}"] = content
        sha256 = hashlib.sha256(content).hexdigest()
        files.append(replace(file, url=server.address + file.name, sha256=sha256, size=len(content)))
    monkeypatch.setattr(mnist, "FILES", tuple(files))
    monkeypatch.setenv("TINYPROP_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TINYPROP_DATA", raising=False)
    paths = data.fetch("mnist")
    assert [path.parent for path in paths] == [tmp_path / "cache" / "data" / "mnist"] * 4
    loaded = data.load("mnist")
    assert (loaded.source, len(loaded.train), len(loaded.test)) == ("official files", 30, 10)
    assert data.fetch("digits") == ()


def test_where_the_cache_is(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("TINYPROP_CACHE", raising=False)
    assert cache_path() == tmp_path / "xdg" / "tinyprop"
    monkeypatch.setenv("TINYPROP_CACHE", str(tmp_path / "mine"))
    assert cache_path() == tmp_path / "mine"
    assert not cache_path().exists()
    assert cache_folder().is_dir()
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("TINYPROP_CACHE")
    monkeypatch.setattr("tinyprop.cache.sys.platform", "darwin")
    assert cache_path() == Path.home() / "Library" / "Caches" / "tinyprop"
    monkeypatch.setattr("tinyprop.cache.sys.platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert cache_path() == tmp_path / "tinyprop"


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may write everywhere")
def test_a_cache_that_cannot_be_written_is_still_read(file, tmp_path):
    path = tmp_path / "set.bin"
    path.write_bytes(CONTENT)
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        require_official(file, path)
    finally:
        tmp_path.chmod(stat.S_IRWXU)
