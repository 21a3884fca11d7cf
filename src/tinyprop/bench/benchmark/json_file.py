"""The benchmark for machines."""

from typing import Any

import msgspec

from tinyprop.bench.benchmark.ceilings import Verdict
from tinyprop.bench.benchmark.records import BenchReport


def json_of(report: BenchReport, verdicts: tuple[Verdict, ...]) -> bytes:
    """{network: counts} and beside them "peers", "data", "ceilings", "board", "compilers", "versions".

    Counts: case → mean instructions per step, "inference", "ram_bytes"; those of zig, and those of gcc below "gcc"
    (null where it is not installed). "runs" holds every run in full.
    """
    content = {
        **{network: _network(report, network) for network in report.networks},
        "peers": report.peers,
        "data": report.data,
        "ceilings": {v.name: {"measured": v.measured, "at_most": v.ceiling, "holds": v.holds} for v in verdicts},
        "board": report.board,
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


def _counts(report: BenchReport, network: str, toolchain: str) -> dict[str, float]:
    runs = [run for run in report.runs if (run.network, run.toolchain) == (network, toolchain)]
    counts = {run.case: run.mean for run in runs}
    if "full" in counts:
        counts["inference"] = report.run(network, toolchain, "full").inference
    return counts | {"ram_bytes": max(run.ram_bytes for run in runs)}
