"""The command line: one clear sentence and a non-zero exit for what cannot be done."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import official_files
from tinyprop import cli
from tinyprop.cli import main
from tinyprop.codegen.literals import c_float
from tinyprop.data import DATA_SETS, Report
from tinyprop.errors import UserError
from tinyprop.methods.rules.magnitude import bar_over_norm
from tinyprop.targets import board_names, load_board


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments))
    return int(stopped.value.code or 0)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 3)).eval()
    path = tmp_path_factory.mktemp("model") / "tiny.pt2"
    torch.export.save(torch.export.export(model, (torch.zeros(1, 8),)), path)
    return path


@pytest.fixture(scope="module")
def normed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a batch norm."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 3)).eval()
    path = tmp_path_factory.mktemp("model") / "normed.pt2"
    torch.export.save(torch.export.export(model, (torch.zeros(1, 8),)), path)
    return path


def test_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("methods") == 0
    assert "tinyprop_v2" in capsys.readouterr().out
    assert _run("boards") == 0
    assert "nano33ble" in capsys.readouterr().out


COMMANDS = (
    [],
    ["demo"],
    ["compare"],
    ["report"],
    ["bench"],
    ["export"],
    ["memory"],
    ["choose"],
    ["fit"],
    ["methods"],
    ["boards"],
    ["networks"],
    ["bench-host"],
    ["bench-pytorch"],
    ["data"],
)
COMMANDS += (["data", "fetch"], ["data", "show"])


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(*command, "--help") == 0
    assert "xample" in capsys.readouterr().out


def test_export(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("export", str(saved), str(tmp_path / "fw"), "--method", "ours", "--board", "nano33ble") == 0
    assert (tmp_path / "fw" / "tiny.c").is_file()
    printed = capsys.readouterr().out
    assert "RAM to train" in printed
    assert "the network 'tiny'" in printed
    assert len(printed.splitlines()) < 10  # what the files are is in them


def test_export_in_another_form(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("export", str(saved), str(tmp_path / "fw"), "--form", "arduino") == 0
    assert "name=tiny" in (tmp_path / "fw" / "library.properties").read_text()
    assert _run("export", str(saved), str(tmp_path / "other"), "--form", "keil") == 1
    assert "known are arduino, cmake, esp-idf, platformio, zephyr" in capsys.readouterr().err.replace("\n", " ")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("method", ["sparse_update", "tiny_train"])
def test_choose_says_what_to_set(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], method: str) -> None:
    rng, samples, path = np.random.default_rng(0), tmp_path / "day.npz", tmp_path / "chosen.json"
    np.savez(samples, x=rng.normal(size=(12, 8)).astype(np.float32), y=rng.integers(0, 3, 12))
    asked = ("choose", str(saved), str(samples), "--method", method)
    assert _run(*asked, "--ram", "100000", "--json", str(path)) == 0
    written, printed = json.loads(path.read_text()), capsys.readouterr().out
    assert {"measuring", "planning"} <= set(printed.split())
    said = printed.split("To train so: ")[1].split("\n")[0].split()
    assert said[:2] == ["--method", method]
    assert dict(zip(said[2::2], map(int, said[3::2]), strict=True)) == {
        f"--set.{name}": value for name, value in written["settings"].items()
    }
    assert _run("export", str(saved), str(tmp_path / "fw"), *said) == 0
    assert _run(*asked, "--ram", "10") == 1
    assert "a budget of 10 bytes of RAM is too small" in capsys.readouterr().err
    assert _run("choose", str(saved), str(samples), "--ram", "10", "--method", "ours") == 1
    assert "known are sparse_update, tiny_train" in capsys.readouterr().err


def test_memory_of_each_choice(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "out" / "memory.json"
    assert _run("memory", str(saved), "--momentum", "0.5", "--json", str(path)) == 0
    written, printed = json.loads(path.read_text()), capsys.readouterr().out
    assert {word: row["parameters"] for word, row in written.items()} == {
        "last_layer": 18,
        "last_block": 63,
        "biases": 8,
        "all": 63,
    }
    for row in written.values():
        assert row["weights"] == row["optimizer"] == 4 * row["parameters"]
        assert row["weights"] + row["frozen"] == 4 * 63
        assert row["training"] == row["weights"] + row["optimizer"] + row["state"] + row["arena"] + row["input"]
        assert row["over_inference"] == row["training"] / row["inference"]
    for title, field in (("RAM to train", "training"), ("flash: frozen weights", "frozen")):
        [line] = [line for line in printed.splitlines() if title in line]
        assert [int(number.replace(",", "")) for number in re.findall(r"[\d,]+", line)] == [
            row[field] for row in written.values()
        ]
    assert _run("memory", str(saved), "--momentum", "2") == 1
    assert "momentum=2" in capsys.readouterr().err
    assert _run("memory", str(saved), "--method", "top_k", "--set.ratio", "2") == 1
    assert "ratio=2" in capsys.readouterr().err


def test_memory_with_a_store_of_samples(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, asked = tmp_path / "memory.json", ("--store", "50", "--store-bits", "8")
    assert _run("memory", str(saved), *asked, "--json", str(path)) == 0
    bytes_ = 28 + 8 * 3 + 50 * (1 + 1 + 8)  # state, counts of three classes; label, sleep and eight values a sample
    rows, printed = json.loads(path.read_text()), capsys.readouterr().out
    assert {row["store"] for row in rows.values()} == {bytes_}
    [line] = [line for line in printed.splitlines() if "RAM to train with it" in line]
    assert [int(number.replace(",", "")) for number in re.findall(r"[\d,]+", line)] == [
        row["training"] + bytes_ for row in rows.values()
    ]
    latents = {word: row["latent_store"] for word, row in rows.items()}
    assert latents["all"] is None
    of_latents = 28 + 8 * 3 + 50 * (2 + rows["last_layer"]["latent"] // 4)
    assert latents["last_layer"] == -(-of_latents // 4) * 4
    assert "RAM: store of latents" in printed
    assert 0 < rows["last_layer"]["prefix_share"] < 1
    assert rows["all"]["prefix_share"] == 0
    assert _run("memory", str(saved), "--store", "50", "--store-bits", "4") == 1
    assert "bits=4: choose 32 (float32) or 8" in capsys.readouterr().err
    assert _run("memory", str(saved), "--store", "0") == 1
    assert "capacity=0" in capsys.readouterr().err


def test_memory_with_a_store_in_flash(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, asked = tmp_path / "memory.json", ("--store", "300", "--store-bits", "8", "--store-flash", "nano33ble")
    assert _run("memory", str(saved), *asked, "--store-offered", "30000", "--json", str(path)) == 0
    rows, printed = json.loads(path.read_text()), " ".join(capsys.readouterr().out.split())
    # records of 28 bytes, 145 of them in a page of 4,096 behind its head of 16; half of each page free: 72 slots
    assert {row["store"] for row in rows.values()} == {28 + 8 * 3 + 300 * 2 + 300 * 2 + 4 * 5}
    assert {row["store_wear"]["bytes"] for row in rows.values()} == {6 * 4096}
    assert "6 shelves of 4,096 for 60 samples each, room for 145" in printed
    assert "flash: store of samples │ 24,576 │ 24,576" in printed
    assert "flash: store of latents" in printed
    # 300 · ln(30,000 / 300) = 1,382 are replaced, 86 for each erasure; five shelves were opened
    assert "about 1,382 take another's place: about 21 shelves are erased, each block about 3.5 times" in printed
    assert _run("memory", str(saved), *asked, "--store-offered", "0") == 1
    assert "offered=0" in capsys.readouterr().err
    assert _run("memory", str(saved), "--store-flash", "nano33ble") == 1
    assert "--store-flash was given without --store" in capsys.readouterr().err
    assert _run("memory", str(saved), "--store", "300", "--store-flash", "mps2-an386") == 1
    assert "no source says how flash is written on mps2-an386" in capsys.readouterr().err


def test_memory_of_batch_norms_that_train(normed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    learning = {}
    for batch_norm in ("fold", "train"):
        path = tmp_path / f"{batch_norm}.json"
        assert _run("memory", str(normed), "--batch-norm", batch_norm, "--json", str(path)) == 0
        learning[batch_norm] = {word: row["parameters"] for word, row in json.loads(path.read_text()).items()}
    assert learning["fold"] == {"last_layer": 18, "last_block": 63, "biases": 8, "all": 63}
    assert learning["train"] == {"last_layer": 18, "last_block": 73, "biases": 13, "batch_norms": 10, "all": 73}
    assert _run("export", str(normed), str(tmp_path / "fw"), "--trainable", "batch_norms") == 1
    assert (
        "folded as they are unless it is captured with batch_norm='train' (--batch-norm train)."
        in capsys.readouterr().err
    )


def test_export_of_a_choice(saved: Path, tmp_path: Path) -> None:
    assert _run("export", str(saved), str(tmp_path / "fw"), "--trainable", "biases", "--trainable", "last_layer") == 0
    assert "#define TINY_PARAMETERS 23U" in (tmp_path / "fw" / "tiny.h").read_text()


def test_boards_are_named_in_full_on_a_narrow_terminal() -> None:
    command, narrow = [sys.executable, "-m", "tinyprop", "boards"], {**os.environ, "COLUMNS": "80"}
    listed = subprocess.run(command, env=narrow, capture_output=True, text=True)
    assert listed.returncode == 0
    assert set(board_names()) <= {line.split()[0] for line in listed.stdout.splitlines() if line[:1].strip()}


def test_boards_as_json_and_as_a_template(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed, own = tmp_path / "boards.json", tmp_path / "own.toml"
    assert _run("boards", "--json", str(listed)) == 0
    rows = {row["name"]: row for row in json.loads(listed.read_text())}
    assert set(rows) == set(board_names())
    assert rows["nano33ble"]["flash"]["write"] == {"block_bytes": 4096, "unit_bytes": 4, "cycles": 10_000}
    assert rows["rp2040"]["power"] is None
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("nano33ble")]
    assert line.split()[1:7] == ["cortex-m4", "64", "256", "1,024", "unicorn", "TEW"]
    assert _run("boards", "--template", str(own)) == 0
    before = own.read_bytes()
    assert load_board(own).name == "custom"
    assert _run("boards", "--template", str(own)) == 1
    assert "is there already and was not touched" in capsys.readouterr().err
    assert own.read_bytes() == before
    assert _run("boards", "--template", str(tmp_path / "own.txt")) == 1
    assert "does not end in .toml" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["boards.json", "own.toml"]


def test_fit_takes_what_export_takes(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "fit.json"
    chosen = ["--method", "ours", "--set.drop", "0.75", "--loss", "mse", "--momentum", "0.5", "--kernels", "size"]
    store = ["--store", "10", "--store-bits", "8", "--latent", "--trainable", "last_layer", "--batch-norm", "train"]
    assert _run("fit", str(saved), "--boards", "nano33ble", *chosen, *store, "--json", str(path)) == 0
    [row] = json.loads(path.read_text())
    assert row["fits"]
    assert row["instructions_training"] > row["instructions_inference"] > 0
    printed = capsys.readouterr().out
    assert "nano33ble" in printed
    assert "store of 10 latents of" in printed
    assert _run("fit", str(saved), "--boards", "nano33bel") == 1
    assert "did you mean 'nano33ble'" in capsys.readouterr().err


def test_a_count_among_the_settings_is_a_count(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("export", str(saved), str(tmp_path / "fw"), "--method", "last_layers", "--set.layers")
    assert _run(*asked, "1.5") == 1
    assert "LastLayers was given layers=1.5" in capsys.readouterr().err
    assert _run(*asked, "1") == 0
    assert "frozen" in (tmp_path / "fw" / "tiny.h").read_text()


def test_export_with_every_choice(saved: Path, tmp_path: Path) -> None:
    chosen = [
        "--method",
        "ours",
        "--set.drop",
        "0.75",
        "--loss",
        "mse",
        "--momentum",
        "0.5",
        "--weight-decay",
        "0.125",
    ]
    assert _run("export", str(saved), str(tmp_path / "fw"), *chosen, "--clip", "2", "--skip-zero-inputs") == 0
    written = (tmp_path / "fw" / "tiny.c").read_text()
    for call in ("tp_mean_squared_error_f32(", "tp_velocity_f32(", "tp_clip_f32("):
        assert call in written
    for setting in (float(bar_over_norm(0.75, 5)), 0.5, 0.125, 2.0):
        assert c_float(setting) in written
    assert _run("export", str(saved), str(tmp_path / "fw"), *chosen, "--clip", "2") == 0
    assert (tmp_path / "fw" / "tiny.c").read_text() != written


def test_export_with_batch_norm_that_trains(normed: Path, tmp_path: Path) -> None:
    assert _run("export", str(normed), str(tmp_path / "fw"), "--batch-norm", "train") == 0
    assert "tp_scale_shift_bwd_f32(" in (tmp_path / "fw" / "normed.c").read_text()
    assert _run("export", str(normed), str(tmp_path / "fw")) == 0
    assert "tp_scale_shift" not in (tmp_path / "fw" / "normed.c").read_text()


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        (["--method", "tinyprop_v3"], "error: unknown method 'tinyprop_v3': did you mean 'tinyprop_v"),
        (["--board", "nano33bel"], "error: unknown board 'nano33bel': did you mean 'nano33ble'?"),
        (["--method", "ours", "--set.drop", "-2"], "Ours was given drop=-2"),
        (["--set.drop", "0.5"], "method 'tinyprop_v2' was given 'drop', which is not one of its settings"),
        (["--loss", "mes"], "unknown loss 'mes': did you mean 'mse'?"),
        (["--momentum", "1"], "SGD was given momentum=1.0"),
        (["--kernels", "tiny"], "error: unknown kernels 'tiny'"),
        (["--batch-norm", "trains"], "error: unknown batch_norm 'trains': did you mean 'train'?"),
    ],
)
def test_bad_names(
    saved: Path, tmp_path: Path, extra: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("export", str(saved), str(tmp_path / "fw"), *extra) == 1
    assert sentence in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_missing_and_foreign_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("export", str(tmp_path / "absent.pt2"), str(tmp_path / "fw")) == 1
    assert "there is no model file" in capsys.readouterr().err
    junk = tmp_path / "junk.pt2"
    junk.write_bytes(b"junk")
    assert _run("export", str(junk), str(tmp_path / "fw")) == 1
    assert "holds no exported PyTorch model: save one with torch.export.save(torch.expo" in capsys.readouterr().err
    assert _run("memory", str(tmp_path)) == 1
    assert "there is no model file" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["junk.pt2"]


@pytest.fixture
def no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither cache nor TINYPROP_DATA."""
    monkeypatch.setenv("TINYPROP_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TINYPROP_DATA", raising=False)


def test_data_sets_listed(
    no_data: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "data.json"
    assert _run("data", "--json", str(path)) == 0
    printed, rows = capsys.readouterr().out, {row["name"]: row for row in json.loads(path.read_text())}
    assert list(rows) == list(DATA_SETS)
    assert all(name in printed for name in rows)
    assert (rows["digits"]["here"], rows["digits"]["how_to_get"]) == ("bundled", None)
    assert rows["mnist"]["here"] is None
    assert "tinyprop data fetch mnist" in rows["mnist"]["how_to_get"]
    assert rows["cifar10"]["download_bytes"] == 170_498_071
    assert not [row["unverified"] for row in rows.values() if row["unverified"]]
    official_files.write_compact("cifar100", tmp_path / "arrays")
    monkeypatch.setenv("TINYPROP_DATA", str(tmp_path / "arrays"))
    assert _run("data", "--json", str(path)) == 0
    row = {row["name"]: row for row in json.loads(path.read_text())}["cifar100"]
    assert (row["here"], row["filed_as"], row["stands_in_for"]) == ("compact arrays", "tinyimagenet32", "cifar100")
    assert "a stand-in, " in capsys.readouterr().out


def test_data_set_shown(
    no_data: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "card.json"
    assert _run("data", "show", "digits", "--json", str(path)) == 0
    card = json.loads(path.read_text())
    assert {part: row["samples"] for part, row in card["parts"].items()} == {
        "train": 1257,
        "validation": 180,
        "test": 360,
    }
    assert (card["shape"], card["parts"]["test"]["maximum"]) == ([1, 8, 8], 1.0)
    assert "1 × 8 × 8" in capsys.readouterr().out
    for name in ("cifar100", "har_windows"):
        official_files.write_compact(name, tmp_path / "arrays")
    monkeypatch.setenv("TINYPROP_DATA", str(tmp_path / "arrays"))
    assert _run("data", "show", "cifar100") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "a stand-in for cifar100: results on it are not cifar100's" in printed
    assert "filed as tinyimagenet32" in printed
    assert _run("data", "show", "har_windows", "--json", str(path)) == 0
    assert [row["groups"] for row in json.loads(path.read_text())["parts"].values()] == [2, 1, 1]


def test_settings_of_a_data_set(
    no_data: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []
    monkeypatch.setattr(
        "tinyprop.bench.data_command.fetch", lambda name, _report, **settings: asked.append((name, settings)) or ()
    )
    assert _run("data", "fetch", "food101", "side=32", "classes=pizza,ramen") == 0
    assert _run("data", "fetch", "speech_commands", "features=log_mel", "words=None") == 0
    assert asked == [
        ("food101", {"side": 32, "classes": ("pizza", "ramen")}),
        ("speech_commands", {"features": "log_mel", "words": None}),
    ]
    for given, said in (
        (("dcase2020", "fan"), "'fan' is no setting: write one as side=32."),
        (("dcase2020", "machine="), "'machine=' is no setting"),
        (("food101", "side=8", "side=9"), "'side' is given twice"),
        (("mnist", "side=9"), "data set 'mnist' was given 'side', which is not one of its settings"),
        (("dcase2020", "machine=fam"), "unknown machine 'fam': did you mean 'fan'?"),
    ):
        assert _run("data", "fetch", *given) == 1
        assert said in " ".join(capsys.readouterr().err.split())
    assert _run("data", "show", "dcase2020", "machine=fan") == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "run `tinyprop data fetch dcase2020 machine=fan` (1,355 MB); or without a network, put" in said
    assert "'dev_data_fan.zip' from https://zenodo.org/records/3678171/files/dev_data_fan.zip" in said
    assert "TINYPROP_DATA" not in said


def test_data_set_that_is_not_here(no_data: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "card.json"
    assert _run("data", "show", "cifar10", "--json", str(path)) == 1
    assert "error: the data set 'cifar10' is not on this machine: run `tinyprop data fetch cifar10`" in (
        capsys.readouterr().err
    )
    assert _run("data", "fetch", "minst") == 1
    assert "unknown data set 'minst': did you mean 'mnist'?" in capsys.readouterr().err
    assert _run("data", "fetch", "digits") == 0
    assert "nothing to download" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_data_set_fetched(no_data: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in the cache is verified, nothing is asked of a network: the bar is drawn by a stand-in for `fetch`."""

    def fetched(name: str, report: Report) -> tuple[Path, ...]:
        for done in (1, 5, 10):
            report("file", done, 10)
        return (tmp_path / name,)

    monkeypatch.setattr("tinyprop.bench.data_command.fetch", fetched)
    assert _run("data", "fetch", "mnist") == 0


def test_unknown_command_and_option() -> None:
    assert _run("demonstrate") != 0
    assert _run("demo", "--seed", "3") != 0


def test_the_demo_in_short(tmp_path: Path) -> None:
    """Every station once, with few samples; the hashes hold whatever the settings."""
    rows_path, report_path = tmp_path / "demo.json", tmp_path / "report.html"
    command = [
        sys.executable,
        "-m",
        "tinyprop",
        "demo",
        "--quick",
        "--json",
        str(rows_path),
        "--report",
        str(report_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "identical in 20 of 20 runs" in " ".join(done.stdout.split())
    rows = json.loads(rows_path.read_text())["rows"]
    wanted = {
        "model",
        "scenario",
        "method",
        "accuracy_before",
        "accuracy_after",
        "effort_bwd",
        "effort_total",
        "skipped",
    }
    wanted |= {"instructions_mean", "instructions_max", "ram_bytes", "flash_bytes", "stack_bytes"}
    wanted |= {"hash_host", "hash_board"}
    assert len(rows) == 20
    for row in rows:
        assert wanted <= set(row)
        assert row["hash_host"] == row["hash_board"]
        assert len(row["hash_host"]) == 64
        assert 0 <= row["accuracy_after"] <= 100
        assert 0 < row["instructions_mean"] <= row["instructions_max"]
        assert row["ram_bytes"] > 0 < row["stack_bytes"]
        assert (row["effort_bwd"] == pytest.approx(1.0)) == (row["method"] == "full")
    assert {row["method"] for row in rows} == {"full", "full_zero_skip", "tinyprop_v1", "tinyprop_v2", "ours"}
    page = report_path.read_text()
    assert page.count("<svg") >= 4
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_brackets_in_a_sentence_are_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise UserError("pip install 'tinyprop[demo]'")

    monkeypatch.setattr(cli, "app", lambda _arguments: missing())
    assert _run() == 1
    assert "error: pip install 'tinyprop[demo]'" in capsys.readouterr().err
