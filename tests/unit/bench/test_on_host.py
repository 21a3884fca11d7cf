"""The host benchmark: that it compares like with like, what it says without ExecuTorch, and one small run of it all."""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
import torch
from rich.console import Console
from torch.nn import functional

from tinyprop.bench.bench_host_command import bench_host_command
from tinyprop.bench.on_host import run as host_run
from tinyprop.bench.on_host.config import NETWORKS, HostConfig
from tinyprop.bench.on_host.eager_trainer import EagerTrainer
from tinyprop.bench.on_host.executorch_trainer import MISSING, planned_bytes, pool_error
from tinyprop.bench.on_host.folding import folded
from tinyprop.bench.on_host.records import CALLED, EAGER, EXECUTORCH, FOREACH, OURS, HostReport, HostRun
from tinyprop.bench.on_host.run import TRAINERS, differences, run_on_host, task_of
from tinyprop.bench.on_host.table import cells, host_table, notes, verdicts
from tinyprop.errors import InternalError, UserError
from tinyprop.models import DsCnn

ROOT = Path(__file__).parents[3]
SMALL = HostConfig(networks=("MLP-S",), samples=2, rounds=2)


def a_run(trainer: str, *microseconds: float, planned: int | None = None) -> HostRun:
    return HostRun("MLP-S", trainer, 100, microseconds, planned, 1e-7)


REPORT = HostReport(
    runs=(
        a_run(OURS, 3.0, 2.0, 1.0, planned=1000),
        a_run(CALLED, 50.0, planned=1000),
        a_run(EAGER, 120.0, 90.0, 100.0),
        a_run(FOREACH, 80.0),
        a_run(EXECUTORCH, 40.0, planned=2500),
    ),
    missing="",
    aims={"MLP-S": 39},
    rate=0.001,
    cpu="a CPU",
    compiler="zig",
    versions={},
)


def test_ratios_are_to_the_medians_and_to_the_faster_pytorch():
    assert REPORT.over_pytorch("MLP-S", OURS) == 80.0 / 2.0
    assert REPORT.over_pytorch("MLP-S", EAGER) == 0.8
    assert REPORT.over_executorch("MLP-S", OURS) == 20.0
    assert REPORT.ram_over_executorch("MLP-S") == 2.5
    assert REPORT.runs[0].spread == pytest.approx((1.2, 2.8))
    assert cells(REPORT, REPORT.runs[0]) == ("2.00", "1.20", "2.80", "40.0×", "20.0×", "1,000", "2.50×")
    assert [line.split("]")[1].split("[")[0] for line in verdicts(REPORT)] == ["ok", "ok"]
    missed = replace(REPORT, aims={"MLP-S": 41}, runs=(*REPORT.runs[:4], a_run(EXECUTORCH, 1.5, planned=2500)))
    assert [line.split("]")[1].split("[")[0] for line in verdicts(missed)] == ["NO", "NO"]


def test_without_executorch_the_rest_stands():
    report = replace(REPORT, runs=REPORT.runs[:4], missing=MISSING)
    assert report.over_executorch("MLP-S", OURS) is None
    assert report.ram_over_executorch("MLP-S") is None
    assert cells(report, report.runs[0])[4:] == ("–", "1,000", "–")
    assert len(list(verdicts(report))) == 1
    assert any("tinyprop\\[executorch]" in note for note in notes(report))


def test_the_table_fits_a_narrow_terminal():
    slow = replace(REPORT.runs[0], network="LeNet-5", microseconds=(31_430.4, 30_000.0), planned_bytes=5_713_972)
    console = Console(width=80)
    with console.capture() as shown:
        console.print(host_table(replace(REPORT, runs=(*REPORT.runs, slow))))
    assert "…" not in shown.get()
    assert max(map(len, shown.get().splitlines())) <= 80
    assert shown.get().count("\n") == 2 + 6


def test_the_command_trains_times_and_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "executorch", None)
    path = tmp_path / "times.json"
    console = Console(width=200, record=True, file=StringIO())
    threads = torch.get_num_threads()
    assert bench_host_command(console, json_path=path, config=SMALL) == 0
    assert torch.get_num_threads() == threads
    assert MISSING in console.export_text()
    found = msgspec.json.decode(path.read_bytes())
    assert [run["trainer"] for run in found["runs"]] == [OURS, CALLED, EAGER, FOREACH]
    assert all(len(run["microseconds"]) == 2 and min(run["microseconds"]) > 0 for run in found["runs"])
    assert 0 < max(run["off"] for run in found["runs"]) < 1e-5
    assert found["networks"]["MLP-S"]["over_executorch"] is None
    assert found["networks"]["MLP-S"]["over_pytorch"] > 0
    assert found["runs"][0]["planned_bytes"] == 11_648


def test_all_start_from_the_same_weights_in_each_round():
    task = task_of("MLP-S", SMALL)
    for make in (TRAINERS[OURS], TRAINERS[CALLED], TRAINERS[EAGER], TRAINERS[FOREACH]):
        trainer = make(task)
        first = [float(loss) for loss in trainer.train(2)]
        assert len(first) == 4
        trainer.reset()
        assert [float(loss) for loss in trainer.train(2)] == first


class Halved(EagerTrainer):
    """Trains something else."""

    def weights(self) -> Mapping[str, np.ndarray]:
        return {name: array / 2 for name, array in super().weights().items()}


class Other(EagerTrainer):
    """Reports something else."""

    def train(self, epochs: int) -> Sequence[object]:
        return [float("nan") for _ in super().train(epochs)]


@pytest.mark.parametrize("wrong", [Halved, Other])
def test_other_training_is_not_compared(wrong):
    task = task_of("MLP-S", SMALL)
    with pytest.raises(InternalError, match="wrong trains MLP-S otherwise than PyTorch"):
        differences("MLP-S", {EAGER: EagerTrainer(task), "wrong": wrong(task)})


def test_only_executorch_may_be_absent(monkeypatch):
    def absent(task):
        raise UserError("no compiler")

    monkeypatch.setattr(host_run, "TRAINERS", {**TRAINERS, OURS: absent})
    with pytest.raises(UserError, match="no compiler"):
        run_on_host(lambda *_: None, SMALL)


def test_samples_have_no_zero_that_would_be_less_work():
    for name in NETWORKS:
        assert task_of(name, SMALL).samples.x.all()


def test_a_folded_network_computes_the_same_and_learns_all_it_has():
    torch.manual_seed(0)
    model = DsCnn().eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    x = torch.randn(1, 1, 49, 10)
    expected = model(x)
    torch.testing.assert_close(folded(model)(x), expected, rtol=1e-4, atol=1e-5)
    assert not [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_the_error_of_a_pool_is_autograds():
    x = torch.randn(1, 3, 7, 6, requires_grad=True)
    pooled, winners = functional.max_pool2d(x, 2, return_indices=True)
    error = torch.randn_like(pooled)
    [expected] = torch.autograd.grad(pooled, x, error)
    torch.testing.assert_close(pool_error(error, x, 2, 2, 0, 1, False, winners), expected, rtol=0, atol=0)


def test_planned_bytes_count_weights_once():
    def tensor(sizes: list[int], buffer: int, planned: bool) -> SimpleNamespace:
        return SimpleNamespace(
            val=SimpleNamespace(sizes=sizes, data_buffer_idx=buffer, allocation_info="here" if planned else None)
        )

    values = [
        *(tensor([4, 5], 1, True), tensor([3, 2], 2, False), tensor([7], 0, True)),
        SimpleNamespace(val=SimpleNamespace(int_val=3)),
    ]
    plans = [
        SimpleNamespace(name="other", non_const_buffer_sizes=[9], values=[]),
        SimpleNamespace(name="forward", non_const_buffer_sizes=[0, 1000], values=values),
    ]
    assert planned_bytes(SimpleNamespace(execution_plan=plans)) == 1000 + 4 * 6


def committed() -> HostReport:
    return msgspec.json.decode((ROOT / "results" / "bench-host.json").read_bytes(), type=HostReport)


def test_the_documented_rows_are_the_committed_result():
    report = committed()
    section = (ROOT / "docs" / "benchmark.md").read_text(encoding="utf-8").partition("## On this machine")[2]
    section = section.partition("\n## ")[0]
    shown = re.findall(rf"^({'|'.join(NETWORKS)}) +(\D+?) +(\d.*)$", section, re.MULTILINE)
    assert [(network, trainer, tuple(figures.split())) for network, trainer, figures in shown] == [
        (run.network, run.trainer, cells(report, run)) for run in report.runs
    ]


def test_the_committed_result_has_everyone_and_no_other_training():
    report = committed()
    assert report.networks == tuple(NETWORKS)
    assert {run.trainer for run in report.runs} == set(TRAINERS)
    assert max(run.off for run in report.runs) < 1e-5
    assert not report.missing
