"""Tiny archives in the layout of the official ones."""

import gzip
import io
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from official_files import wav as _wav

WORDS = ("yes", "no", "bed", "bird")
SPEAKERS = {"train": ("0a7c2a8d", "1b88bf70", "2c6d3924"), "validation": ("3d86b69a",), "test": ("4e979690",)}


def _speech_files() -> dict[str, bytes]:
    """Name → content: each clip holds its own number, so that it is known again; one is short."""
    files, lists, number = {}, {"validation": [], "test": []}, 0
    for part, speakers in SPEAKERS.items():
        for word in WORDS:
            for speaker in speakers:
                for take in range(2):
                    name = f"{word}/{speaker}_nohash_{take}.wav"
                    number += 1
                    files[name] = _wav(np.full(16000 if number != 1 else 12000, number))
                    if part in lists:
                        lists[part].append(name)
    for i in range(2):
        noise = np.arange(200_000) // 10 * (1 if i == 0 else -1)
        files[f"_background_noise_/noise_{i}.wav"] = _wav(noise)
    files["_background_noise_/README.md"] = b"noise"
    files["LICENSE"] = b"CC BY 4.0"
    files["validation_list.txt"] = ("\n".join(lists["validation"]) + "\n").encode()
    files["testing_list.txt"] = ("\n".join(lists["test"]) + "\n").encode()
    return files


def _tar_gz(files: Mapping[str, bytes], path: Path) -> Path:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    path.write_bytes(gzip.compress(out.getvalue(), mtime=0))
    return path


def _zipped(files: Mapping[str, bytes], path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def _unpacked(files: Mapping[str, bytes], path: Path) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def _machine_files(machine: str = "fan") -> dict[str, bytes]:
    files = {}
    for number in (0, 2):
        for i in range(3):
            files[f"{machine}/train/normal_id_0{number}_0000000{i}.wav"] = _wav(np.full(2000 + i, 10 * number + i))
        for i in range(2):
            files[f"{machine}/test/normal_id_0{number}_0000000{i}.wav"] = _wav(np.full(2000, 100 + i))
            files[f"{machine}/test/anomaly_id_0{number}_0000000{i}.wav"] = _wav(np.full(2000, -100 - i))
    return files


@pytest.fixture(scope="session")
def wav() -> Callable[..., bytes]:
    """wav(samples, rate, channels, width) → a WAV file."""
    return _wav


@pytest.fixture
def speech_files() -> dict[str, bytes]:
    """Files of a tiny Speech Commands: yes, no, bed, bird by five speakers, two takes each; two recordings of noise."""
    return _speech_files()


@pytest.fixture
def machine_files() -> Callable[..., dict[str, bytes]]:
    """machine_files(machine) → the files of a tiny development set."""
    return _machine_files


@pytest.fixture
def tar_gz(tmp_path: Path) -> Callable[[Mapping[str, bytes]], Path]:
    """tar_gz(files) → the archive, its names beginning with ./ as in the official one."""
    return lambda files: _tar_gz(files, tmp_path / "speech_commands_v0.02.tar.gz")


@pytest.fixture
def zipped(tmp_path: Path) -> Callable[[Mapping[str, bytes]], Path]:
    """zipped(files) → the archive."""
    return lambda files: _zipped(files, tmp_path / "dev_data_fan.zip")


@pytest.fixture
def unpacked(tmp_path: Path) -> Callable[..., Path]:
    """unpacked(files, name) → the folder."""
    return lambda files, name="unpacked": _unpacked(files, tmp_path / name)


@pytest.fixture(scope="session")
def wav_header() -> Callable[..., bytes]:
    """wav_header(bytes promised) → the 44 bytes in front of 16-bit samples at 16 kHz."""

    def header(promised: int) -> bytes:
        form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 16000, 32000, 2, 16)
        return struct.pack("<4sI4s", b"RIFF", 36 + promised, b"WAVE") + form + struct.pack("<4sI", b"data", promised)

    return header
