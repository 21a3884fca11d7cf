"""The PyTorch benchmark: that its rows are what they say, the ratios and verdicts, and one small run of it all."""

import re
from dataclasses import replace
from io import StringIO
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from rich.console import Console

from tinyprop.bench.bench_pytorch_command import bench_pytorch_command
from tinyprop.bench.on_pytorch import run as pytorch_run
from tinyprop.bench.on_pytorch.batch_trainer import BatchTrainer
from tinyprop.bench.on_pytorch.config import BY_LOSS, NETWORKS, PytorchConfig
from tinyprop.bench.on_pytorch.json_file import json_of
from tinyprop.bench.on_pytorch.records import DENSE, PytorchReport, PytorchRow
from tinyprop.bench.on_pytorch.run import Way, require_comparable, run_on_pytorch, task_of, ways
from tinyprop.bench.on_pytorch.shares import samples_in, tau_that_skips
from tinyprop.bench.on_pytorch.table import cells, notes, pytorch_table, verdicts
from tinyprop.errors import InternalError
from tinyprop.methods import METHODS, Full, LossSkip, TopK

ROOT = Path(__file__).parents[3]
SMALL = PytorchConfig(networks=("CNN-S",), batch=8, rounds=1)


def a_row(title: str, *microseconds: float, percent: int | None = None, skipped: float | None = 0.0) -> PytorchRow:
    effort = None if skipped is None else 0.5
    return PytorchRow("CNN-S", title, percent, {}, 20, microseconds, skipped, effort)


REPORT = PytorchReport(
    rows=(
        a_row(DENSE, 100.0, 200.0, 400.0, skipped=None),
        a_row("full training", 130.0, 240.0, 520.0),
        a_row("loss-skip alone", 110.0, 230.0, 440.0),
        a_row("loss-skip alone", 90.0, 180.0, 440.0, percent=60, skipped=0.625),
    ),
    aims={"CNN-S": 1.4},
    batch=64,
    cpu="a CPU",
    versions={"torch": "2"},
)


def marks(report: PytorchReport) -> list[str]:
    return [line.split("]")[1].split("[")[0] for line in verdicts(report)]


def test_a_ratio_is_the_median_of_the_ratios_of_rounds():
    dense, full, _, skipping = REPORT.rows
    assert REPORT.over_dense(dense) == 1.0
    assert REPORT.over_dense(full) == 1.3
    assert REPORT.over_dense(skipping) == 0.9
    assert full.spread == pytest.approx((152.0, 464.0))
    assert cells(REPORT, dense) == ("200", "120", "360", "1.00×", "–", "–")
    assert cells(REPORT, skipping) == ("180", "108", "388", "0.90×", "62.5%", "0.500")


def test_verdicts_go_by_the_slowest():
    assert marks(REPORT) == ["ok", "ok"]
    assert [line.partition("; ")[2] for line in verdicts(REPORT)] == [
        "slowest 1.30, full training",
        "slowest 0.90, loss-skip alone, 60 %",
    ]
    assert marks(replace(REPORT, aims={"CNN-S": 1.25})) == ["NO", "ok"]
    assert marks(replace(REPORT, aims={"CNN-S": None})) == ["ok"]
    late = a_row("ours", 100.0, 200.0, 400.0, percent=80, skipped=0.8)
    assert marks(replace(REPORT, rows=(*REPORT.rows, late))) == ["ok", "NO"]
    assert marks(replace(REPORT, rows=REPORT.rows[:3])) == ["ok"]
    little = a_row("ours", 900.0, 900.0, 900.0, percent=50, skipped=0.5)  # neither at its defaults nor much skipped
    assert marks(replace(REPORT, rows=(*REPORT.rows, little))) == ["ok", "ok"]


def test_the_table_fits_a_narrow_terminal():
    longest = max((method.title for method in METHODS.values()), key=len)
    slow = replace(REPORT.rows[3], network="ResNet-8", title=longest, microseconds=(931_430.4,))
    dense = replace(REPORT.rows[0], network="ResNet-8", microseconds=(500_000.0,))
    console = Console(width=80)
    with console.capture() as shown:
        console.print(pytorch_table(replace(REPORT, rows=(*REPORT.rows, dense, slow))))
    assert "…" not in shown.get()
    assert max(map(len, shown.get().splitlines())) <= 80
    assert shown.get().count("\n") == 2 + 6


def test_a_share_is_rounded_up_and_its_tau_lies_between_two_losses():
    assert [samples_in(60, 64), samples_in(80, 64), samples_in(60, 10)] == [39, 52, 6]
    losses = np.array([0.5, 4.0, 1.0, 2.0], np.float32)
    assert tau_that_skips(1, losses) == 0.75
    assert tau_that_skips(3, losses) == 3.0


def test_each_method_has_its_row_and_those_that_skip_by_loss_one_for_each_share():
    found = list(ways(task_of("CNN-S", SMALL), SMALL))
    assert [(way.title, way.percent) for way in found] == expected_rows()
    assert [type(way.method) for way in found[1 : 1 + len(METHODS)]] == list(METHODS.values())


def test_full_training_with_other_gradients_is_not_compared():
    task = task_of("CNN-S", SMALL)
    trained = [(Way(None), BatchTrainer(task, None)), (Way(Full()), BatchTrainer(task, TopK(0.01)))]
    with pytest.raises(InternalError, match=r"full training has another gradient of 0\.weight on CNN-S than PyTorch"):
        require_comparable("CNN-S", trained, SMALL)


def test_another_share_than_the_one_asked_for_is_not_compared():
    task = task_of("CNN-S", SMALL)
    trained = [(way, BatchTrainer(task, way.method)) for way in (Way(None), Way(Full()), Way(LossSkip(9.0), 60))]
    with pytest.raises(InternalError, match="loss-skip alone skips 8 samples on CNN-S, not the 5 asked for"):
        require_comparable("CNN-S", trained, SMALL)


def test_no_step_moves_a_weight():
    task = task_of("CNN-S", SMALL)
    trainer = BatchTrainer(task, Full())
    before = trainer.losses()
    trainer.train(3)
    assert np.array_equal(trainer.losses(), before)
    assert any(gradient is not None and gradient.any() for gradient in trainer.gradients().values())


@pytest.mark.parametrize("network", NETWORKS)
def test_the_share_skipped_is_exactly_the_one_asked_for(network, monkeypatch):
    quick = replace(NETWORKS[network], steps=1)
    monkeypatch.setattr(pytorch_run, "NETWORKS", {network: quick})
    report = run_on_pytorch(lambda *_: None, replace(SMALL, networks=(network,)))
    assert [(row.title, row.percent) for row in report.rows] == expected_rows()
    assert report.rows[0].skipped is None
    assert {row.percent: row.skipped for row in report.rows if row.percent} == {60: 5 / 8, 80: 7 / 8}
    assert {row.settings["tau"] for row in report.rows if row.percent} == {
        row.settings["tau"] for row in report.rows[-2:]
    }
    assert all(0 <= row.effort_bwd <= 1 for row in report.rows[1:])


def test_the_command_prints_and_writes_every_row(tmp_path):
    path = tmp_path / "times.json"
    console = Console(width=200, record=True, file=StringIO())
    threads = torch.get_num_threads()
    assert bench_pytorch_command(console, json_path=path, config=SMALL) == 0
    assert torch.get_num_threads() == threads
    report = msgspec.json.decode(path.read_bytes(), type=PytorchReport)
    assert json_of(report) == path.read_bytes()
    assert list(msgspec.json.decode(path.read_bytes())["networks"]["CNN-S"]) == [row.label for row in report.rows]
    assert all(len(row.microseconds) == 1 and row.microseconds[0] > 0 for row in report.rows)
    text = console.export_text()
    assert all(row.label in text for row in report.rows)
    assert all(re.sub(r"\[.*?\]", "", line) in text.replace("\n", " ") for line in verdicts(report))
    assert all(line.split(".")[0] in text for line in notes(report))


def expected_rows() -> list[tuple[str, int | None]]:
    at_defaults = [(method.title, None) for method in METHODS.values()]
    chosen = [(METHODS[name].title, percent) for name in BY_LOSS for percent in SMALL.percents]
    return [(DENSE, None), *at_defaults, *chosen]


def committed() -> PytorchReport:
    return msgspec.json.decode((ROOT / "results" / "bench-pytorch.json").read_bytes(), type=PytorchReport)


def test_the_documented_rows_and_verdicts_are_those_of_the_committed_result():
    report = committed()
    section = (ROOT / "docs" / "benchmark.md").read_text(encoding="utf-8").partition("## In PyTorch")[2]
    section = section.partition("\n## ")[0]
    shown = [line for line in section.splitlines() if line.startswith(tuple(NETWORKS))]
    assert [line.split() for line in shown] == [
        [row.network, *row.label.split(), *cells(report, row)] for row in report.rows
    ]
    printed = " ".join(section.split())
    assert all(" ".join(re.sub(r"\[.*?\]", "", line).split()) in printed for line in verdicts(report))


def test_the_committed_result_has_every_row():
    report = committed()
    assert report.networks == tuple(NETWORKS)
    for network in NETWORKS:
        assert [(row.title, row.percent) for row in report.rows_of(network)] == expected_rows()
    assert {row.percent: row.skipped for row in report.rows if row.percent} == {60: 39 / 64, 80: 52 / 64}
