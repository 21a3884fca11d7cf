"""The benchmark for machines."""

from typing import Any

import msgspec

from tinyprop.bench.benchmark.ceilings import Verdict
from tinyprop.bench.benchmark.records import BenchReport


def json_of(report: BenchReport, verdicts: tuple[Verdict, ...]) -> bytes:
    """{network: counts} and beside them "peers", "data", "ceilings", "board", "compilers", "versions".

    Counts: case → mean instructions per step, "inference", "ram_bytes"; those of zig, and those of gcc below "gcc"
    (null where it is not installed). "cycles": the same of estimated cycles. "runs" holds every run in full.
    """
    content = {
        **{network: _network(report, network) for network in report.networks},
        "peers": report.peers,
        "data": report.data,
        "ceilings": {v.name: {"measured": v.measured, "at_most": v.ceiling, "holds": v.holds} for v in verdicts},
        "board": report.board,
        "clock_hz": report.clock_hz,
        "estimate": report.estimate,
        "compilers": report.compilers,
        "versions": report.versions,
    }
    return msgspec.json.format(msgspec.json.encode(content)) + b"\n"


def _network(report: BenchReport, network: str) -> dict[str, Any]:
    return {
        **_counts(report, network, "zig"),
        "gcc": _counts(report, network, "gcc") if "gcc" in report.compilers else None,
        "runs": [run for run in report.runs if run.network == network],
    }


def _counts(report: BenchReport, network: str, toolchain: str) -> dict[str, Any]:
    runs = [run for run in report.runs if (run.network, run.toolchain) == (network, toolchain)]
    counts: dict[str, Any] = {run.case: run.mean for run in runs}
    cycles = {run.case: run.cycles for run in runs}
    if "full" in counts:
        full = report.run(network, toolchain, "full")
        counts["inference"], cycles["inference"] = full.inference, full.inference_cycles
    return counts | {"cycles": cycles, "ram_bytes": max(run.ram_bytes for run in runs)}
