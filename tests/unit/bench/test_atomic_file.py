"""A written file is whole, readable by those who may read the folder's others, and nothing else is left."""

import os
import stat
from pathlib import Path

import pytest

from tinyprop.bench.atomic_file import write_whole
from tinyprop.errors import UserError


def test_a_file_has_the_rights_of_any_other(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "new" / "page.html", b"1")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new" / "page.html").stat().st_mode) == 0o640


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.json"
    write_whole(path, b"old")

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UserError, match=r"was not written \(No space left on device\)"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        write_whole(tmp_path / "file" / "rows.json", b"1")
