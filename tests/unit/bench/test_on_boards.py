"""The networks on boards: data and stand-ins, verdicts that can fail, and one small run of the whole command."""

import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image
from rich.console import Console

import official_files
from tinyprop.bench.on_boards.config import CASES, NETWORKS, PATTERNS, PLACEMENTS, OnBoardsConfig, Placement
from tinyprop.bench.on_boards.data import board_data
from tinyprop.bench.on_boards.records import BoardRun, OnBoardsReport
from tinyprop.bench.on_boards.table import SELECTION, tables, verdicts
from tinyprop.bench.on_boards_command import on_boards_command
from tinyprop.bench.reported_methods import REPORTED
from tinyprop.bench.speech_commands import find_speech, load_speech
from tinyprop.data import Cifar10, First, find
from tinyprop.errors import UserError
from tinyprop.models import MODELS
from tinyprop.targets import load_board

DENSE = BoardRun(
    *("ds_cnn", "rp2040", "all", "zig", 1.0, "full", 3),
    *(90.0, 100, 0.0, 40.0, None, 1000, 2000, 300, "a", "a"),
)
REPORT = OnBoardsReport((DENSE,), (), {"rp2040": "Pico"}, {"ds_cnn": "noise"}, ("zig",), {})


def test_every_network_of_the_field_is_placed():
    assert set(MODELS) < {place.network for place in PLACEMENTS}
    assert set(REPORTED) < set(CASES)


@pytest.mark.parametrize("place", PLACEMENTS, ids=lambda place: f"{place.network}-{place.board}")
def test_places_are_boards_and_networks(place):
    assert load_board(place.board).emulator.kind == "unicorn"
    assert place.network in NETWORKS


@pytest.mark.parametrize("name", NETWORKS)
def test_stand_ins_fit_the_network_and_say_so(name, tmp_path, monkeypatch):
    monkeypatch.delenv("TINYPROP_DATA", raising=False)
    monkeypatch.setenv("TINYPROP_CACHE", str(tmp_path))
    network = replace(NETWORKS[name], pretrain_batches=1)
    data = board_data(network, steps=2, seed=0)
    assert data.unseen.x[:2].shape == (2, *network.input_shape)
    assert data.unseen.x.dtype == np.float32
    assert len(data.pretrain) >= 32
    assert ("stand-in" in data.summary) == (data.source == PATTERNS)
    if network.loss == "mse":
        np.testing.assert_array_equal(data.unseen.y, data.unseen.x)
    else:
        assert data.unseen.y.max() < network.classes


def test_speech_is_scaled_by_what_was_learned(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYPROP_DATA", str(tmp_path))
    assert find_speech() is None
    x = (3 + 2 * np.random.default_rng(0).standard_normal((40, 49, 10))).astype(np.float16)
    y, speaker = np.arange(40, dtype=np.uint8) % 3, np.array(["0a7c2a8d"] * 40)
    arrays = {"mfcc_train": x, "y_train": y, "speaker_train": speaker, "classes": np.array(["_silence_", "yes", "no"])}
    arrays |= {"mfcc_test": x[:9], "y_test": y[:9], "speaker_test": speaker[:9]}
    path = official_files.write_compact("speech_commands", tmp_path, arrays)
    learned, unseen = load_speech(find_speech(), train=40, test=5)
    assert learned.x.shape == (40, 1, 49, 10)
    assert unseen.x.shape == (5, 1, 49, 10)
    np.testing.assert_allclose(learned.x.mean(axis=(0, 1, 2)), 0, atol=1e-3)
    np.testing.assert_allclose(learned.x.std(axis=(0, 1, 2)), 1, atol=1e-3)
    order = np.random.default_rng(0).permutation(9)[:5]
    assert unseen.y.tolist() == y[:9][order].tolist()
    wide = x.astype(np.float32)
    expected = (wide[:9][order] - wide.mean(axis=(0, 1))) / wide.std(axis=(0, 1))
    np.testing.assert_array_equal(unseen.x[:, 0], expected)
    path.write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"cannot be read as Speech Commands.* unset TINYPROP_DATA"):
        load_speech(find_speech(), train=4, test=1)


def jpeg(grey: int) -> bytes:
    stream = BytesIO()
    Image.new("RGB", (32, 32), (grey, grey, grey)).save(stream, "JPEG")
    return stream.getvalue()


def test_images_are_decoded(tmp_path, monkeypatch):
    files = [jpeg(grey) for grey in (0, 128, 255)]
    joined = np.frombuffer(b"".join(files), np.uint8)
    offsets = np.cumsum([0, *map(len, files)])
    parts = {f"{name}_{part}": a for part in ("train", "test") for name, a in (("jpeg", joined), ("offsets", offsets))}
    path = tmp_path / "cifar10" / "cifar10_full_jpeg.npz"
    path.parent.mkdir()
    classes = np.array([f"class {i}" for i in range(10)])
    np.savez(path, y_train=[3, 4, 5], y_test=[3, 4, 5], classes=classes, **parts)
    monkeypatch.setenv("TINYPROP_DATA", str(tmp_path))
    monkeypatch.setenv("TINYPROP_CACHE", str(tmp_path / "cache"))
    data = board_data(NETWORKS["resnet8"], steps=2, seed=0)
    assert (data.source, data.summary) == ("cifar10", "CIFAR-10, JPEG copies")
    assert data.pretrain.x.shape == (3, 3, 32, 32)
    np.testing.assert_allclose(data.pretrain.x.mean(axis=(1, 2, 3)), [-1, 0, 1], atol=0.01)
    assert data.unseen.y.tolist() == [3, 4]
    np.savez(path, y_train=[3, 4, 5])
    with pytest.raises(UserError, match=r"cannot be read as CIFAR-10.* unset TINYPROP_DATA"):
        find(Cifar10()).parts(First(1, 1))


def test_a_sparse_step_dearer_than_the_dense_one_is_named():
    sparse = replace(DENSE, case="ours", worst=101)
    report = replace(REPORT, runs=(DENSE, sparse, replace(sparse, network="mlp"), replace(sparse, toolchain="gcc")))
    assert [str(step) for step in report.slow_steps()] == ["ds_cnn on rp2040, zig, ours: 101 instructions, dense 100"]
    assert not replace(REPORT, runs=(DENSE, replace(sparse, worst=100))).slow_steps()
    assert [line.split("]")[1].split("[")[0] for line in verdicts(report)] == ["ok", "NO"]


def test_other_weights_are_named():
    report = replace(REPORT, runs=(DENSE, replace(DENSE, case="ours", hash_board="b")))
    assert [run.case for run in report.different_weights()] == ["ours"]
    assert "1 of 2 runs" in next(verdicts(report))


def test_tables_fit_a_narrow_terminal():
    console = Console(width=80)
    large = replace(DENSE, mean=291e6, worst=291_038_900, inference=173e6, ram_bytes=2_682_196, case="full_zero_skip")
    with console.capture() as shown:
        for table in tables(replace(REPORT, runs=(DENSE, large))):
            console.print(table)
    assert "…" not in shown.get()


def test_the_command_counts_and_compares(tmp_path, monkeypatch):
    monkeypatch.delenv("TINYPROP_DATA", raising=False)
    place = Placement("mlp", "rp2040", ("5",), steps=2)
    config = OnBoardsConfig((place,), ("full", "ours"), toolchains=("zig",), processes=1)
    json = tmp_path / "counts.json"
    assert on_boards_command(Console(quiet=True), json_path=json, config=config) == 0
    report = msgspec.json.decode(json.read_bytes(), type=OnBoardsReport)
    full, ours = report.runs
    assert (full.case, ours.case, full.steps) == ("full", "ours", 2)
    assert full.mean > full.inference > 100_000  # arithmetic in software
    assert 0 < full.trained_share < 0.1
    assert full.hash_host == full.hash_board
    assert report.misfits[0].needs > full.ram_bytes - 1


ROOT = Path(__file__).parents[3]


def test_the_documented_rows_are_the_committed_result():
    report = msgspec.json.decode((ROOT / "results" / "bench-networks.json").read_bytes(), type=OnBoardsReport)
    section = (ROOT / "docs" / "benchmark.md").read_text(encoding="utf-8").partition("## The networks of the field")[2]
    shown = re.findall(r"^(\w+) +([\d,.]+) +([\d,.]+) +[\d.]+ +(\d+)% +([\d,.]+) +([\d,]+) ", section, re.MULTILINE)
    assert shown == [
        (
            run.case,
            *(f"{count / 1e3:,.1f}" for count in (run.mean, run.worst)),
            f"{100 * run.skipped_share:.0f}",
            f"{run.inference / 1e3:,.1f}",
            f"{run.ram_bytes / 1024:,.0f}",
        )
        for run in report.runs
    ]


def test_the_committed_result_keeps_what_is_promised():
    """Board and host alike everywhere; no network of the field has a sparse step dearer than the dense one."""
    report = msgspec.json.decode((ROOT / "results" / "bench-networks.json").read_bytes(), type=OnBoardsReport)
    assert not report.different_weights()
    assert not [str(step) for step in report.slow_steps() if step.run.network in MODELS]
    assert {run.network for run in report.runs} == {"mlp", *MODELS}
    assert {run.toolchain for run in report.runs} == {"zig", "gcc"}
    fast = [run for run in report.runs if load_board(run.board).fpu != "none"]
    shares = {(run.network, run.case, run.toolchain): run.selection for run in fast}
    assert {network for network, *_ in shares} == {"mlp", *MODELS}
    dear = {place for place, share in shares.items() if share > SELECTION}
    of_16_and_32 = {
        ("mlp", method, toolchain) for method in ("tinyprop_v1", "tinyprop_v2") for toolchain in ("zig", "gcc")
    }
    assert dear == of_16_and_32 | {("mobilenet_v1", "tinyprop_v1", "gcc")}
    assert max(share for (net, *_), share in shares.items() if net != "mlp") < 0.0505
    assert max(shares.values()) < 0.065  # the MLP
    skipped = [run for run in fast if run.case == "skipped"]
    above = [run for run in skipped if run.mean - run.inference > max(0.02 * run.inference, 700)]
    assert not above
    page = (ROOT / "docs" / "benchmark.md").read_text(encoding="utf-8")
    of_ours, of_theirs = (
        [100 * shares[net, case, "zig"] for net in ("ds_cnn", "mobilenet_v1")] for case in ("ours", "tinyprop_v2")
    )
    assert "DS-CNN's {:.1f} and MobileNetV1's {:.1f}".format(*of_ours) in page
    assert "{:.1f} % on DS-CNN and {:.1f} on MobileNetV1".format(*of_theirs) in page
