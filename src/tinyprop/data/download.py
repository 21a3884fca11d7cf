"""Downloading official files: pooch checks and places them, a broken download goes on where it stopped."""

import errno
import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinyprop.data.extra import required
from tinyprop.data.loader import DataFile
from tinyprop.data.official_file import require_official
from tinyprop.errors import UserError

Report = Callable[[str, int, int], None]  # file name, bytes that are there, bytes in all (0: not known)
BLOCK = 1 << 18
PATIENCE_S = 30.0  # without a byte from the server


def downloaded(files: tuple[DataFile, ...], folder: Path, report: Report) -> tuple[Path, ...]:
    """The verified files in `folder`; downloaded where they are not there.

    Raises UserError for a wrong hash, a full disk, a server that cannot be reached or that breaks off; what has come so
    far stays in `<name>.part`, and the next call asks for the rest.
    """
    for file in files:
        if not (folder / file.name).is_file():
            _fetch(file, files, folder, report)
        require_official(file, folder / file.name)
    return tuple(folder / file.name for file in files)


def _fetch(file: DataFile, files: tuple[DataFile, ...], folder: Path, report: Report) -> None:
    pooch: Any = required("pooch", "pooch", "downloading data")
    requests: Any = required("requests", "requests", "downloading data")
    if file.url is None:
        raise UserError(f"'{file.name}' has no address to be downloaded from: put it into '{folder}'.")
    part = folder / f"{file.name}.part"
    pooch.get_logger().setLevel(logging.WARNING)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _require_room(file, folder, part)
        pooch.retrieve(
            file.url,
            known_hash=file.known_hash,
            fname=file.name,
            path=folder,
            downloader=ResumingDownload(file, part, report),
        )
    except requests.RequestException as error:
        raise UserError(_unreachable(file, files, folder, part, error)) from error
    except OSError as error:
        raise UserError(_unwritable(file, folder, error)) from error
    except ValueError as error:  # pooch's, for a hash that is not the known one
        raise UserError(
            f"what came from {file.url} is not '{file.name}' ({error}) It was deleted; try again, or put the right "
            f"file into '{folder}'."
        ) from error


@dataclass(frozen=True)
class ResumingDownload:
    """A downloader for pooch, which itself always starts anew.

    Bytes go to `part`, which a failure leaves behind; what is there is not asked for again. Without a known hash it
    starts anew as well: nobody could tell whether the two pieces belong together.
    """

    file: DataFile
    part: Path
    report: Report

    def __call__(self, url: str, output_file: str, pooch: object, check_only: bool = False) -> None:
        """As pooch calls it."""
        import requests

        there = self.part.stat().st_size if self.file.known_hash and self.part.exists() else 0
        # Bytes as they are on the server: a .gz must not be unpacked on its way.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={there}-"} if there else {})
        with requests.get(url, headers=headers, stream=True, timeout=PATIENCE_S) as answer:
            if there and answer.status_code == requests.codes.requested_range_not_satisfiable:
                self.part.replace(output_file)  # all of it was there; the hash tells
                return
            answer.raise_for_status()
            goes_on = there > 0 and answer.headers.get("Content-Range", "").startswith(f"bytes {there}-")
            done = there if goes_on else 0
            total = done + int(answer.headers.get("Content-Length", 0))
            with self.part.open("ab" if goes_on else "wb") as part:
                for block in answer.iter_content(BLOCK):
                    part.write(block)
                    done += len(block)
                    self.report(self.file.name, done, total)
        if total > done:
            raise requests.ConnectionError(f"the server stopped after {done:,} of {total:,} bytes")
        self.part.replace(output_file)


def _require_room(file: DataFile, folder: Path, part: Path) -> None:
    """Raises OSError, before anything is asked for, where the file cannot fit."""
    needed = (file.size or 0) - (part.stat().st_size if part.exists() else 0)
    if shutil.disk_usage(folder).free < needed:
        raise OSError(errno.ENOSPC, "No space left on device")


def _unreachable(file: DataFile, files: tuple[DataFile, ...], folder: Path, part: Path, error: Exception) -> str:
    kept = ""
    if file.known_hash and part.exists():
        kept = f" {part.stat().st_size:,} bytes are kept in '{part}', the next try goes on there."
    missing = ", ".join(str(one.url) for one in files if not (folder / one.name).is_file())
    return (
        f"'{file.name}' cannot be downloaded ({_first_line(error)}).{kept} Without a network: get {missing} on another "
        f"machine and put what you got into '{folder}'."
    )


def _unwritable(file: DataFile, folder: Path, error: OSError) -> str:
    size = f", {file.size / 1e6:,.0f} MB," if file.size else ""
    return (
        f"'{file.name}'{size} cannot be written to '{folder}' ({error.strerror or error}): make room, or set "
        "TINYPROP_CACHE to a folder with more."
    )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
