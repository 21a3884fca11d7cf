"""Features of sound: the C of the device gives the bits of `extract`, which stays near the float64 reference.

Frames of noise, tones, speech-like bursts, silence and clipping; real speech where TINYPROP_DATA names a folder with
it. The tolerances are those of docs/audio.md, where the figures measured on the same sounds stand beside them.
"""

import ctypes
import os
import shutil
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyprop.bench.kernels.workbench import Piece, workbench
from tinyprop.codegen.generate import engine_files
from tinyprop.codegen.sound import sound_sources
from tinyprop.codegen.source_tree import SourceTree
from tinyprop.features import FEATURES, Features, LogMel, Mfcc, Stacked, extract, reference
from tinyprop.features.clips import frames_of, stacked
from tinyprop.features.extraction import power, rfft, windowed
from tinyprop.features.filter_bank import filter_bank
from tinyprop.features.tables import tables_of
from tinyprop.targets import load_board
from tinyprop.targets.compilation import compile_tree, link
from tinyprop.targets.toolchain import LANGUAGE, WARNINGS, Compiler, host_compiler

REAL = Path(os.environ.get("TINYPROP_DATA", "nowhere"), "speech_commands", "speech_audio16k.npz")
DOCUMENT = Path(__file__).parents[2] / "docs" / "audio.md"
HEAD = '#define TP_INLINE_KERNELS 1\n#include "tp_kernels.h"\n#include "ear.h"'
SECOND = 16000
EPSILON = 3e-7  # of the loudest bin: what float32 makes of every bin of a spectrum

# Names in FEATURES, and settings that fit no habit: odd frames, smallest FFT, one band, all coefficients.
CASES: dict[str, Features] = {
    **FEATURES,
    "tiny": Mfcc(LogMel(8000, 13, 5, 16, 3, 500.0, 4000.0), 3),
    "odd_doublings": LogMel(frame=31, hop=7, fft=32, bands=5, low_hz=0.0, high_hz=8000.0, power=1),
    "longest_frame": Mfcc(LogMel(frame=640, fft=1024), coefficients=40, dct="htk"),
    "one_band": Stacked(LogMel(frame=100, hop=100, fft=128, bands=1, scale=-2.5, filters="librosa"), frames=2),
}


def sounds(samples: int = SECOND) -> dict[str, np.ndarray]:
    """Clips (samples,) int16 by name, the same every time."""
    rng, n = np.random.default_rng(7), np.arange(samples)
    burst = np.exp(-(((n - samples / 2) / (samples / 8)) ** 2)) * rng.normal(size=samples)
    waves = {
        "noise": rng.normal(size=samples) * 3000,
        "faint noise": rng.normal(size=samples) * 2,
        "tone": 20000 * np.sin(2 * np.pi * 440 * n / SECOND),
        "tone of one bin": 32767 * np.cos(2 * np.pi * n * 32 / 512),
        "burst": burst * 8000,
        "silence": np.zeros(samples),
        "one click": np.where(n == samples // 3, 32767, 0),
        "clipped": 90000 * np.sin(2 * np.pi * 300 * n / SECOND),
        "lowest": np.full(samples, -32768),
        "alternating": np.where(n % 2 == 0, 32767, -32768),
    }
    return {name: np.clip(np.rint(wave), -32768, 32767).astype(np.int16) for name, wave in waves.items()}


@cache
def real_sounds() -> np.ndarray:
    """Clips (60, samples) of Speech Commands."""
    if not REAL.is_file():
        pytest.skip("no real speech: let TINYPROP_DATA name a folder with speech_commands/speech_audio16k.npz")
    with np.load(REAL, allow_pickle=False) as arrays:
        return arrays["x_test"][::3]


class OnHost:
    """`name_frame` of generated C, as a library of this machine."""

    def __init__(self, features: Features, toolchain: str, kernels: str) -> None:
        tree = sound_sources(features, "ear", kernels)
        compiler = host_compiler(toolchain)
        self._library = ctypes.CDLL(str(link(compile_tree(tree, compiler), compiler, ".so")))
        self._features = features
        self._single = features.of if isinstance(features, Stacked) else features

    def __call__(self, clip: np.ndarray) -> np.ndarray:
        """Rows as `extract` gives them: every frame, or the frames slid through a row."""
        frames = np.ascontiguousarray(frames_of(self._single.mel, clip))
        width = self._features.values
        row, scratch = np.full(width, np.nan, np.float32), np.full(40000, np.nan, np.float32)
        call = self._library.ear_slide if self._features.frames > 1 else self._library.ear_frame
        rows = []
        for frame in frames:
            call(*(ctypes.c_void_p(array.ctypes.data) for array in (frame, row, scratch)))
            rows.append(row.copy())
        return np.array(rows[self._features.frames - 1 :])


def bits(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, np.float32).view(np.uint32)


@pytest.mark.parametrize(("toolchain", "kernels"), [("zig", "inline"), ("gcc", "inline"), ("gcc", "size")])
@pytest.mark.parametrize("name", CASES)
def test_c_on_the_host_gives_the_bits_of_extract(name: str, toolchain: str, kernels: str) -> None:
    if toolchain == "gcc" and shutil.which("gcc") is None:
        pytest.skip("gcc not installed")
    in_c = OnHost(CASES[name], toolchain, kernels)
    for sound, clip in sounds(4000 if name != "dcase2020" else SECOND).items():
        np.testing.assert_array_equal(bits(in_c(clip)), bits(extract(CASES[name], clip)), err_msg=sound)


def test_the_spectrum_is_near_that_of_float64() -> None:
    """Every bin within 3e-7 of the largest one, whatever the size and however the doublings fall."""
    rng = np.random.default_rng(3)
    for size in (16, 32, 64, 128, 256, 512, 1024, 2048, 4096):
        frames = np.concatenate([rng.integers(-32768, 32768, (20, size)), np.eye(2, size) * 32767]).astype(np.int16)
        mel = LogMel(frame=size, hop=size, fft=size, bands=1, low_hz=0.0, high_hz=8000.0)
        tables = tables_of(mel)
        x = rfft(windowed(tables, frames, size), tables.twiddles)
        spectrum = np.concatenate([x[:, :1], x[:, 2::2] + 1j * x[:, 3::2], x[:, 1:2]], axis=1)
        truth = np.fft.rfft(frames * np.float64(tables.window))
        loudest = np.abs(truth).max(axis=1, keepdims=True)
        assert (np.abs(spectrum - truth) <= EPSILON * loudest).all(), size
        energies = np.float64(power(x, root=False))
        assert (np.abs(energies - np.abs(truth) ** 2) <= energy_bound(np.abs(truth), loudest)).all(), size


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
def test_the_spectrum_in_c_is_that_of_numpy_phases_too(toolchain: str) -> None:
    if toolchain == "gcc" and shutil.which("gcc") is None:
        pytest.skip("gcc not installed")
    compiler = host_compiler(toolchain)
    tree = SourceTree("rfft", engine_files(), ("engine/src/tp_rfft_f32.c",), ("engine/include",))
    library = ctypes.CDLL(str(link(compile_tree(tree, compiler), compiler, ".so")))
    rng = np.random.default_rng(4)
    for size in (16, 32, 64, 128, 256, 512, 1024, 2048, 4096):
        tables = tables_of(LogMel(frame=size, hop=size, fft=size, bands=1, low_hz=0.0, high_hz=8000.0))
        x = rng.normal(size=(5, size)).astype(np.float32) * np.float32(100)
        for row, expected in zip(x, rfft(x, tables.twiddles), strict=True):
            arrays = (ctypes.c_void_p(array.ctypes.data) for array in (row, tables.twiddles))
            library.tp_rfft_f32(*arrays, ctypes.c_uint32(size))
            np.testing.assert_array_equal(bits(row), bits(expected))


def energy_bound(magnitudes: np.ndarray, loudest: np.ndarray) -> np.ndarray:
    """How far |X|² may be off where each X is within EPSILON of the loudest; and three roundings."""
    off = EPSILON * loudest
    return 2 * magnitudes * off + off**2 + 2e-7 * magnitudes**2


def log_mel_bound(mel: LogMel, clip: np.ndarray) -> np.ndarray:
    """How far each log-mel value may be off, (T, B): what EPSILON of the loudest bin does to a band, as docs/audio.md
    states it. Wide only for bands that are silent beside a loud one, or for a floor that far below it."""
    frames = np.float64(frames_of(mel, clip)) / 32768
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(mel.frame) / mel.frame)
    magnitudes = np.abs(np.fft.rfft(frames * hann, mel.fft, axis=-1))
    loudest = magnitudes.max(axis=-1, keepdims=True)
    off = energy_bound(magnitudes, loudest) if mel.power == 2 else (EPSILON * loudest + 2e-7 * magnitudes)
    filters = filter_bank(mel)
    energies, off = (magnitudes**mel.power) @ filters.T, off @ filters.T
    truth, off = energies + mel.floor, off + 3e-6 * energies + 1e-7 * mel.floor
    least = np.maximum(truth - off, mel.floor * (1 - 1e-7))
    larger, smaller = np.log((truth + off) / truth), np.log(truth / least)
    return abs(mel.scale) * (np.maximum(larger, smaller) + 4e-7 * np.abs(np.log(truth)))


def bound(features: Features, clip: np.ndarray) -> np.ndarray:
    """How far each value may be off, as `extract` lays them out."""
    match features:
        case LogMel():
            return log_mel_bound(features, clip)
        case Mfcc():
            matrix = np.abs(tables_of(features).dct).astype(np.float64)
            log_mel = np.abs(reference(features.mel, clip))
            return log_mel_bound(features.mel, clip) @ matrix + 6e-8 * features.mel.bands * (log_mel @ matrix)
        case Stacked():
            return stacked(features, bound(features.of, clip))


@pytest.mark.parametrize("name", CASES)
def test_float32_stays_within_the_stated_bound_of_float64(name: str) -> None:
    for sound, clip in sounds().items():
        off = np.abs(extract(CASES[name], clip) - reference(CASES[name], clip))
        assert (off <= bound(CASES[name], clip)).all(), sound


@pytest.mark.parametrize("name", FEATURES)
def test_ordinary_sound_is_near_to_the_digit_that_the_documents_state(name: str) -> None:
    """The table of docs/audio.md: never more than it says, and no more than ten times less."""
    heard = {sound: sounds()[sound][None] for sound in ("noise", "faint noise", "burst", "silence")}
    heard["pure"] = np.stack([sounds()[s] for s in ("tone", "tone of one bin", "clipped", "lowest", "alternating")])
    if REAL.is_file():
        heard["speech"] = real_sounds()
    for sound, clips in heard.items():
        off = np.abs(extract(FEATURES[name], clips) - reference(FEATURES[name], clips)).max()
        stated = documented(name, sound)
        assert stated / 10 < off <= stated, (sound, off)


def documented(features: str, sound: str) -> float:
    """The cell of the table of largest differences in docs/audio.md."""
    lines = [line.split("|")[1:-1] for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if "|" in line]
    rows = [[cell.strip().strip("`") for cell in line] for line in lines]
    [head] = [row for row in rows if row[0] == "largest difference"]
    [row] = [row for row in rows if row[0] == features and len(row) == len(head)]
    return float(row[head.index(sound)])


def test_real_speech_on_the_host_gives_the_same_bits() -> None:
    for name, features in FEATURES.items():
        in_c, clips = OnHost(features, "zig", "inline"), real_sounds()[:20]
        expected = extract(features, clips)
        for clip, row in zip(clips, expected, strict=True):
            np.testing.assert_array_equal(bits(in_c(clip)), bits(row), err_msg=name)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_settings_give_the_bits_of_extract(data: st.DataObject) -> None:
    """Whatever samples, sizes and filters: compiled once each, so few of them."""
    fft = data.draw(st.sampled_from([16, 32, 64, 128]))
    frame = data.draw(st.integers(2, fft))
    mel = LogMel(
        frame=frame,
        hop=data.draw(st.integers(1, frame)),
        fft=fft,
        bands=data.draw(st.integers(1, 3)),
        low_hz=data.draw(st.sampled_from([0.0, 100.0, 1000.0])),
        high_hz=data.draw(st.sampled_from([7000.0, 8000.0])),
        filters=data.draw(st.sampled_from(["torchaudio", "tensorflow", "librosa"])),
        power=data.draw(st.sampled_from([1, 2])),
        floor=data.draw(st.sampled_from([1e-6, 1e-12, 1.0])),
    )
    features = data.draw(st.sampled_from([mel, Mfcc(mel, 1), Mfcc(mel, mel.bands, "htk"), Stacked(mel, 2)]))
    seed = data.draw(st.integers(0, 2**32 - 1))
    clip = np.random.default_rng(seed).integers(-32768, 32768, 2 * fft + 5).astype(np.int16)
    clip[data.draw(st.integers(0, clip.size)) :] = 0
    expected = extract(features, clip)
    np.testing.assert_array_equal(bits(OnHost(features, "zig", "inline")(clip)), bits(expected))
    assert (np.abs(expected - reference(features, clip)) <= bound(features, clip)).all()


ON_BOARDS = [
    *((name, "nano33ble", toolchain) for name in FEATURES if name != "log_mel" for toolchain in ("zig", "gcc")),
    *(("tiny", "nano33ble", "zig"), ("odd_doublings", "nano33ble", "zig")),
    *(("mfcc", "rp2040", "zig"), ("mfcc", "esp32c3", "zig")),  # no floating-point unit; another family of cores
]


@pytest.mark.parametrize(("name", "board", "toolchain"), ON_BOARDS)
def test_emulated_boards_give_the_same_bits(name: str, board: str, toolchain: str) -> None:
    if toolchain == "gcc" and shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc not installed")
    single = replaced(CASES[name])
    frame, scratch = single.mel.frame, single.mel.fft + single.mel.bands
    piece = Piece(
        {"pcm": (frame,), "out_y": (single.values,), "out_scratch": (scratch,)},
        f"static int16_t samples[{frame}];\n"
        f"for (uint32_t i = 0U; i < {frame}U; ++i) {{\n    samples[i] = (int16_t)pcm[i];\n}}\n"
        f"ear_frame(samples, out_y, out_scratch);",
    )
    with workbench([piece], load_board(board), toolchain, HEAD, sound_sources(single, "ear", "size")) as bench:
        for sound, clip in sounds().items():
            heard = clip[4000 : 4000 + frame]
            _, after = bench.run(0, {"pcm": heard.astype(np.float32)})
            np.testing.assert_array_equal(bits(after["out_y"]), bits(extract(single, heard)[0]), err_msg=sound)


def replaced(features: Features) -> LogMel | Mfcc:
    """One frame of it, without a clip whose ends could be mirrored."""
    single = features.of if isinstance(features, Stacked) else features
    return replace(single, centred=False) if isinstance(single, LogMel) else single


SANITIZED = ("-O1", "-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all")
DRIVER = """\
/* SPDX-License-Identifier: Apache-2.0 */
#include "ear.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Frames of the largest samples, alternating ones and noise, in memory allocated to the byte. */
int main(void)
{{
    uint32_t seed = 1U, hash = 0x811C9DC5U;
    int16_t *samples = malloc(EAR_FRAME * sizeof *samples);
    float *values = malloc(EAR_VALUES * sizeof *values), *scratch = malloc(EAR_SCRATCH * sizeof *scratch);
    if (samples == NULL || values == NULL || scratch == NULL) {{
        return 1;
    }}
    for (uint32_t round = 0U; round < 8U; ++round) {{
        for (uint32_t i = 0U; i < EAR_FRAME; ++i) {{
            seed = seed * 1664525U + 1013904223U;
            samples[i] = (int16_t)(round == 0U ? -32768 : round == 1U ? (i % 2U == 0U ? 32767 : -32768)
                                   : round == 2U ? 0 : (int32_t)(seed >> 16) - 32768);
        }}
        memset(values, 0xff, EAR_VALUES * sizeof *values);
        memset(scratch, 0xff, EAR_SCRATCH * sizeof *scratch);
        ear_frame(samples, values, scratch);
        for (uint32_t i = 0U; i < EAR_VALUES; ++i) {{
            uint32_t word;
            memcpy(&word, values + i, sizeof word);
            hash = (hash ^ word) * 0x01000193U;
        }}
    }}
    printf("%08x\\n", (unsigned)hash);
    free(samples);
    free(values);
    free(scratch);
    return 0;
}}
"""


def expected_hash(single: LogMel | Mfcc) -> str:
    """What the driver prints."""
    seed, hashed, size = 1, 0x811C9DC5, single.mel.frame
    for turn in range(8):
        drawn = []
        for _ in range(size):
            seed = (seed * 1664525 + 1013904223) & 0xFFFFFFFF
            drawn.append((seed >> 16) - 32768)
        odd = [32767 if i % 2 == 0 else -32768 for i in range(size)]
        samples = {0: [-32768] * size, 1: odd, 2: [0] * size}.get(turn, drawn)
        for word in bits(extract(single, np.array(samples, np.int16))[0]).tolist():
            hashed = (hashed ^ word) * 0x01000193 & 0xFFFFFFFF
    return f"{hashed:08x}"


@pytest.mark.parametrize(("name", "kernels"), [*((name, "size") for name in CASES), ("mfcc", "inline")])
def test_nothing_undefined_happens_and_no_memory_but_its_own_is_touched(name: str, kernels: str) -> None:
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("gcc not installed")
    single = replaced(CASES[name])
    tree = sound_sources(single, "ear", kernels)
    tree = replace(tree, files={**tree.files, "driver.c": DRIVER.format()}, sources=(*tree.sources, "driver.c"))
    compiler = Compiler((gcc,), "gcc, sanitizers", (*LANGUAGE, *WARNINGS, *SANITIZED), ())
    program = link(compile_tree(tree, compiler), compiler, "")
    run = subprocess.run([program], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == expected_hash(single)


@pytest.mark.parametrize("standard", ["c++98", "c++20"])
@pytest.mark.parametrize("name", ["mfcc", "dcase2020"])
def test_the_header_is_cpp(tmp_path: Path, name: str, standard: str) -> None:
    if shutil.which("g++") is None:
        pytest.skip("g++ not installed")
    (tmp_path / "ear.h").write_text(sound_sources(CASES[name], "ear").files["ear.h"], encoding="utf-8")
    (tmp_path / "main.cpp").write_text('#include "ear.h"\nint main() { return &ear_frame == 0; }\n')
    flags = (f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-address", "-fsyntax-only")
    run = subprocess.run(["g++", *flags, "main.cpp"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.stderr == ""


def test_a_frame_needs_little_stack(tmp_path: Path) -> None:
    """Its memory is the caller's scratch: of the stack, less than the 2 KiB that a training step is allowed."""
    gcc = shutil.which("arm-none-eabi-gcc")
    if gcc is None:
        pytest.skip("arm-none-eabi-gcc not installed")
    sound_sources(CASES["mlperf_keywords"], "ear").write(tmp_path)
    core = ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard")
    command = [gcc, *core, *LANGUAGE, "-O2", "-fstack-usage", "-Iengine/include", "-c", "ear.c"]
    subprocess.run(command, cwd=tmp_path, check=True)
    used = {line.split()[0].split(":")[-1]: line.split()[1:] for line in (tmp_path / "ear.su").read_text().splitlines()}
    assert used.keys() >= {"ear_frame"}
    assert sum(int(size) for size, _ in used.values()) < 512
    assert {kind for _, kind in used.values()} == {"static"}
