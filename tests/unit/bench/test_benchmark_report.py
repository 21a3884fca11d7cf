"""What the benchmark says of its counts: JSON, tables, ceilings, exit status. And one short run through processes."""

import json
import re
from dataclasses import replace
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from tinyprop.bench import bench_command as command
from tinyprop.bench.benchmark import ceilings
from tinyprop.bench.benchmark.ceilings import (
    AIMS,
    Ceilings,
    load_ceilings,
    quantities,
    renewed,
    verdicts,
    write_ceilings,
)
from tinyprop.bench.benchmark.config import CASES, NETWORKS, BenchConfig
from tinyprop.bench.benchmark.json_file import json_of
from tinyprop.bench.benchmark.peers import load_peers
from tinyprop.bench.benchmark.records import BenchReport, BenchRun, DataNote
from tinyprop.bench.benchmark.run import run_benchmark
from tinyprop.bench.benchmark.table import notes, ratios, tables
from tinyprop.bench.paired import paired_difference

FULL = BenchRun(
    *("MLP-S", "zig", "full", 10, 20_000.0, 21_000, 0.0, None, 20_000.0, 0.0, 9_000.0),
    *(50.0, 90.0, 1.0, (89.0, 91.0), 11_000, 20_000, 200, 32_000.0, 14_000.0),
)
HALF = {"mean": 10_000.0, "cycles": 16_000.0}
OURS = replace(
    FULL, case="ours", skipped_share=0.5, skipped_step=9_100.0, accuracy_after=89.5, accuracies=(88.4, 90.6), **HALF
)
REPORT = BenchReport(
    board="a board",
    clock_hz=64_000_000,
    estimate="a manual; no wait states",
    runs=(FULL, OURS),
    data={"MLP-S": DataNote("digits", "digits, turned")},
    compilers={"zig": "zig 1"},
    versions={"tinyprop": "0"},
    peers=load_peers(),
)
EXACT = Ceilings(
    {"zig": "zig 1"},
    {
        "MLP-S.zig.full": 20_000,
        "MLP-S.zig.full_cycles": 32_000,
        "MLP-S.zig.inference": 9_000,
        "MLP-S.zig.inference_cycles": 14_000,
        "MLP-S.zig.ram_bytes": 11_000,
        "MLP-S.zig.digits.ours": 10_000,
        "MLP-S.zig.digits.ours_cycles": 16_000,
    },
)


def printed(*shown: object) -> str:
    console = Console(file=StringIO(), width=200)
    for one in shown:
        console.print(one)
    return console.file.getvalue()


def test_quantities_that_depend_on_data_bear_its_name():
    assert list(quantities(REPORT)) == list(EXACT.at_most)


def test_a_ceiling_holds_up_to_its_value():
    assert all(verdict.holds for verdict in verdicts(REPORT, EXACT))
    lower = Ceilings(EXACT.compilers, {name: ceiling - 1 for name, ceiling in EXACT.at_most.items()})
    assert not any(verdict.holds for verdict in verdicts(REPORT, lower))


def test_ceilings_of_another_compiler_do_not_count():
    assert {verdict.ceiling for verdict in verdicts(REPORT, replace(EXACT, compilers={"zig": "zig 2"}))} == {None}


def test_renewed_ceilings_lie_one_percent_above_and_memory_exactly():
    assert renewed(Ceilings({}, {}), REPORT).at_most == {
        "MLP-S.zig.full": 20_200,
        "MLP-S.zig.full_cycles": 32_320,
        "MLP-S.zig.inference": 9_090,
        "MLP-S.zig.inference_cycles": 14_140,
        "MLP-S.zig.ram_bytes": 11_000,
        "MLP-S.zig.digits.ours": 10_100,
        "MLP-S.zig.digits.ours_cycles": 16_160,
    }


def test_no_ceiling_lies_above_what_was_set_out_to_be_reached():
    slow = replace(REPORT, runs=(replace(FULL, mean=90_000.0),))
    fresh = renewed(Ceilings({}, {}), slow)
    assert fresh.at_most["MLP-S.zig.full"] == 24_000
    assert not all(verdict.holds for verdict in verdicts(slow, fresh))
    committed = load_ceilings().at_most
    for (network, case), aim in AIMS.items():
        real = [n for n in committed if n.startswith(f"{network}.") and n.endswith(f".{case}") and ".random." not in n]
        assert len(real) >= 2
        assert all(committed[name] <= aim for name in real)


def test_no_ceiling_is_ever_raised():
    fresh = renewed(Ceilings({}, {}), REPORT)
    dearer = replace(REPORT, runs=tuple(replace(run, mean=run.mean + 1) for run in REPORT.runs))
    assert renewed(fresh, dearer).at_most == fresh.at_most
    cheaper = replace(REPORT, runs=tuple(replace(run, mean=run.mean / 2) for run in REPORT.runs))
    assert renewed(fresh, cheaper).at_most["MLP-S.zig.full"] == 10_100


def test_renewing_keeps_what_was_not_measured_unless_the_compiler_changed():
    before = Ceilings({"zig": "zig 1", "gcc": "gcc 1"}, {"CNN-S.zig.full": 1, "CNN-S.gcc.full": 2})
    assert renewed(before, REPORT).at_most.items() > before.at_most.items()
    after = renewed(replace(before, compilers={"zig": "zig 0", "gcc": "gcc 1"}), REPORT)
    assert "CNN-S.zig.full" not in after.at_most
    assert after.at_most["CNN-S.gcc.full"] == 2


def test_ceilings_survive_the_file(tmp_path):
    path = tmp_path / "ceilings.toml"
    write_ceilings(EXACT, path)
    assert load_ceilings(path) == EXACT


def test_committed_file_is_as_written_and_complete(tmp_path):
    committed = load_ceilings()
    write_ceilings(committed, tmp_path / "again.toml")
    assert (tmp_path / "again.toml").read_text() == ceilings.FILE.read_text()
    for network, settings in NETWORKS.items():
        for source in ("digits", "mnist") if settings.mnist else ("digits",):
            wanted = {f"{network}.{t}.{source}.{c}" for t in ("zig", "gcc") for c in CASES if not CASES[c].any_data}
            assert wanted | {f"{name}_cycles" for name in wanted} <= committed.at_most.keys()


def test_json_has_the_counts_by_network():
    content = json.loads(json_of(REPORT, verdicts(REPORT, EXACT)))
    assert content["MLP-S"]["full"] == 20_000
    assert content["MLP-S"]["ours"] == 10_000
    assert content["MLP-S"]["inference"] == 9_000
    assert content["MLP-S"]["ram_bytes"] == 11_000
    assert content["MLP-S"]["gcc"] is None
    assert content["MLP-S"]["cycles"] == {"full": 32_000, "ours": 16_000, "inference": 14_000}
    assert content["MLP-S"]["runs"][1]["accuracy_after"] == 89.5
    assert content["data"]["MLP-S"]["source"] == "digits"
    assert content["ceilings"]["MLP-S.zig.full"] == {"measured": 20_000, "at_most": 20_000, "holds": True}
    assert content["peers"]["recorded"] == "2026-11"


def test_tables_show_loss_of_accuracy_and_label_the_peers():
    text = printed(*tables(REPORT))
    assert "-0.5±1.3" in text  # of −0.6 and −0.4: t(1) · 0.141 / √2
    assert "others, recorded 2026-11, not re-run" in text
    for peer in load_peers().peer:
        assert peer.name in text


def test_estimated_cycles_stand_beside_the_counts_and_say_what_they_are():
    text = printed(*tables(REPORT))
    assert re.search(r"full training +20\.0 +32\.0 *\n", text)
    assert re.search(r"ours .*10\.0 +16\.0 +20\.0 +21\.0 +0 ", text)
    (note,) = (line for line in notes(REPORT) if "estimate" in line)
    assert "no measurement: a manual; no wait states." in note
    assert "At 64 MHz, full training (zig) would take: MLP-S 0.50 ms." in note


def test_a_core_without_a_table_has_no_estimate():
    runs = tuple(replace(run, cycles=None, inference_cycles=None) for run in REPORT.runs)
    report = replace(REPORT, runs=runs, estimate="")
    assert "no estimate" in printed(*tables(report))
    assert not [line for line in notes(report) if "MHz" in line]
    assert not [name for name in quantities(report) if "cycles" in name]


def test_ratio_names_the_best_dense_peer_and_what_it_lacks():
    (line,) = ratios(REPORT)
    assert "pulp-trainlib" in line
    assert "no bias, no loss layer" in line
    assert "full training 2.8×" in line
    assert "(ours) 5.6×" in line


def test_notes_say_when_gcc_is_missing():
    assert "arm-none-eabi-gcc is not installed" in notes(REPORT)[-1]
    both = replace(REPORT, compilers={"zig": "zig 1", "gcc": "gcc 1"})
    assert "arm-none-eabi-gcc is not installed" not in " ".join(notes(both))


@pytest.mark.parametrize(
    ("off_by", "status", "word"), [(0, 0, "7 of 7 ceilings hold"), (1, 1, "7 of 7 ceilings exceeded")]
)
def test_exit_status_says_whether_ceilings_hold(off_by, status, word, monkeypatch, tmp_path):
    lowered = Ceilings(EXACT.compilers, {name: ceiling - off_by for name, ceiling in EXACT.at_most.items()})
    monkeypatch.setattr(command, "run_benchmark", lambda advance, config: REPORT)
    monkeypatch.setattr(ceilings, "load_ceilings", lambda: lowered)
    console = Console(file=StringIO(), width=200)
    path = tmp_path / "bench.json"
    assert command.bench_command(console, json_path=path, write_ceilings=False) == status
    assert word in console.file.getvalue()
    assert json.loads(path.read_bytes())["MLP-S"]["full"] == 20_000


def test_a_short_benchmark_runs_in_processes(monkeypatch):
    monkeypatch.delenv("TINYPROP_DATA", raising=False)
    config = BenchConfig(
        networks=("MLP-S",),
        toolchains=("zig",),
        cases=("full", "skipped"),
        pretrain_batches=30,
        field_samples=5,
        field_epochs=2,
        seeds=(0, 1),
    )
    told = []
    report = run_benchmark(lambda *progress: told.append(progress), config)
    assert [run.case for run in report.runs] == ["full", "skipped"]
    full, skipped = report.runs
    assert full.steps == 10
    assert full.mean > 2 * skipped.mean
    assert full.cycles > full.mean > full.inference_cycles > full.inference
    assert skipped.skipped_step == skipped.mean > skipped.inference
    assert full.accuracy_after != full.accuracy_before == skipped.accuracy_after
    assert told[-1] == ("counting", 2, 2)


ROOT = Path(__file__).parents[3]
AT_MOST = {  # thousand instructions: full training, ours on average over the run, a skipped step; bytes of RAM
    "MLP-S": (24, 11, 9, 13_000),
    "MLP-L": (205, 95, 87, 108_000),
    "CNN-S": (400, 290, 255, 22_000),
}


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
@pytest.mark.parametrize("network", AT_MOST)
def test_the_committed_result_keeps_what_is_promised(network, toolchain):
    """What the engine was built to reach, and that a sparse step pays: see docs/benchmark.md."""
    content = json.loads((ROOT / "results" / "bench.json").read_text(encoding="utf-8"))
    runs = {run["case"]: run for run in content[network]["runs"] if run["toolchain"] == toolchain}
    full, mean, skipped, ram_bytes = AT_MOST[network]
    assert runs["full"]["mean"] <= 1e3 * full
    assert all(run["ram_bytes"] <= ram_bytes for run in runs.values())
    for case in ("skipped", "skipped_all_inputs"):
        assert runs[case]["mean"] <= 1e3 * skipped
        assert runs[case]["mean"] - runs[case]["inference"] <= max(0.02 * runs[case]["inference"], 700)
    for case in ("ours", "ours_all_inputs"):
        run = runs[case]
        lost, _ = paired_difference(tuple(runs["full"]["accuracies"]), tuple(run["accuracies"]))
        assert run["mean"] <= 1e3 * mean
        assert lost <= 1.0
        assert run["selection"] <= max(0.05 * run["trained_step"], 600)
    share = 0.05 if network != "MLP-S" else 0.07  # exactly k of 16 and 32 entries
    assert runs["tinyprop_v2"]["selection"] <= max(share * runs["tinyprop_v2"]["trained_step"], 600)
    for case in ("full_zero_skip", "tinyprop_v2_all_inputs", "ours_all_inputs"):
        assert runs[case]["trained_step"] <= runs["full"]["mean"]
        assert (
            runs[case]["worst"]
            <= (1.04 if (network, case) == ("MLP-S", "full_zero_skip") else 1.0) * runs["full"]["worst"]
        )


def test_the_documented_tables_are_the_committed_result():
    content = json.loads((ROOT / "results" / "bench.json").read_text(encoding="utf-8"))
    runs = [run for network in content["data"] for run in content[network]["runs"]]
    report = msgspec.convert(content | {"runs": runs}, BenchReport)
    console = Console(file=StringIO(), width=120)
    for table in tables(report):
        console.print(table)
    shown = "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())
    assert shown in (ROOT / "docs" / "benchmark.md").read_text(encoding="utf-8")
