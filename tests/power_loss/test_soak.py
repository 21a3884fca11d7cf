"""A life in the field ends where a life in peace does, on the host and on an emulated core; with broken engines it does
not."""

import json
from io import StringIO

import pytest
from rich.console import Console

from tinyprop.bench.soak import run as soak_run
from tinyprop.bench.soak.config import HOST, SoakConfig
from tinyprop.bench.soak.run import run_soak
from tinyprop.bench.soak_command import soak_command

SHORT = SoakConfig(methods=("ours_at_effort",), steps=((HOST, 20_000),), parts=10)


def nothing(*_):
    pass


@pytest.mark.parametrize("method", SoakConfig().methods)
def test_nothing_drifts_on_the_host(method):
    [run] = run_soak(nothing, SoakConfig(methods=(method,), steps=((HOST, 30_000),), parts=10)).runs
    assert run.is_good, run
    assert run.comparisons == 10
    for events in (run.resets, run.cuts, run.saves, run.bad_samples, run.replayed):
        assert events > 30


@pytest.mark.parametrize(("board", "steps"), [("nano33ble", 3_000), ("rp2040", 300), ("esp32c3", 600)])
def test_nothing_drifts_on_an_emulated_core_and_it_learns_the_same_bits(board, steps):
    """With a floating-point unit, without one, and on RISC-V."""
    config = SoakConfig(methods=("tinyprop_v2",), steps=((HOST, steps), (board, steps)), parts=10)
    report = run_soak(nothing, config)
    for run in report.runs:  # the shorter ones come to their deepest stack late
        assert (run.lost, run.wrong, run.mismatches, run.violations) == (0, 0, 0, 0), run
        assert run.growth == 0 or steps < 3_000
    assert not list(report.drifted())
    host, emulated = report.runs
    assert host.crc == emulated.crc
    assert (host.resets, host.replayed, host.cuts) == (emulated.resets, emulated.replayed, emulated.cuts)
    assert 0 < emulated.stack_bytes < 2048


BREAKS = {
    "a rule's memory is not loaded": (
        "tp_checkpoint.c",
        "    return 1;\n}\n\nint tp_load",
        (
            "    memset((uint8_t *)model->memory + 4U * (model->program->state_words - 2U), 0, 4U);\n"
            "    return 1;\n}\n\nint tp_load"
        ),
    ),
    "only the first value is looked at": (
        "tp_api.c",
        "are_finite(x, model->program->inputs) ? TP_OK : TP_ERR_NONFINITE",
        "are_finite(x, model->program->inputs > 0U) ? TP_OK : TP_ERR_NONFINITE",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_engine_drifts(monkeypatch, name):
    file, old, new = BREAKS[name]
    whole = soak_run._tree

    def broken(tree):
        made = whole(tree)
        path = f"engine/src/{file}"
        assert old in made.files[path]
        files = {**made.files, path: made.files[path].replace(old, new)}
        return type(made)(made.name, files, made.sources, made.include_dirs)

    monkeypatch.setattr(soak_run, "_tree", broken)
    [run] = run_soak(nothing, SHORT).runs
    assert not run.is_good


def test_the_command_prints_and_writes_what_happened(tmp_path):
    console = Console(file=StringIO(), width=120)
    assert soak_command(console, json_path=tmp_path / "soak.json", config=SHORT) == 0
    [run] = json.loads((tmp_path / "soak.json").read_text())["runs"]
    assert (run["lost"], run["mismatches"], run["steps"]) == (0, 0, 20_000)
    assert "Nothing lost, nothing drifted, nothing grew in 1 runs" in console.file.getvalue()
