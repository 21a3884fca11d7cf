"""Ceilings: what a step may cost at most, per network, compiler and quantity, so that counts never creep up.

Counts depend on the compiler, so a ceiling holds for the version it was recorded with. Where they depend on the data
too, it bears the name of the data: `MLP-L.zig.mnist.ours` beside `MLP-L.zig.full`. Estimated cycles have ceilings of
their own, `MLP-L.zig.full_cycles`: fewer instructions that take longer would be no gain.
"""

import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinyprop.bench.atomic_file import write_whole
from tinyprop.bench.benchmark.config import CASES
from tinyprop.bench.benchmark.records import BenchReport, BenchRun

FILE = Path(__file__).with_name("ceilings.toml")
UNLEARNED = "random"  # in place of data: random weights and samples, of which no step is skipped
SLACK = 1.01  # how far above today's count a fresh ceiling lies: other CPUs pretrain slightly other weights
# What was set out to be reached: no fresh ceiling of a real run lies above it. Mean instructions by network and case.
AIMS = {
    ("MLP-S", "full"): 24_000,
    ("MLP-S", "ours"): 11_000,
    ("MLP-S", "skipped"): 9_000,
    ("MLP-L", "full"): 205_000,
    ("MLP-L", "ours"): 95_000,
    ("MLP-L", "skipped"): 87_000,
    ("CNN-S", "full"): 400_000,
    ("CNN-S", "ours"): 290_000,
    ("CNN-S", "skipped"): 255_000,
}

HEADER = """\
# Ceilings of `tinyprop bench`: at most so many instructions per step (mean), so many estimated cycles (…_cycles), so
# many bytes of RAM.
# Written by `tinyprop bench --write-ceilings`; a table named after data holds what depends on the samples.
"""


@dataclass(frozen=True)
class Ceilings:
    """compilers: toolchain → the version it holds for. at_most: dotted name → ceiling, e.g. "MLP-S.zig.full"."""

    compilers: Mapping[str, str]
    at_most: Mapping[str, int]


@dataclass(frozen=True)
class Verdict:
    """A measured quantity beside its ceiling, which is None where none was recorded for this compiler."""

    name: str
    measured: float
    ceiling: int | None

    @property
    def holds(self) -> bool:
        """Whether it is not exceeded."""
        return self.ceiling is None or self.measured <= self.ceiling


def load_ceilings(path: Path = FILE) -> Ceilings:
    """The committed file."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    compilers = content.pop("compilers")
    return Ceilings(compilers, dict(_flat(content)))


def quantities(report: BenchReport) -> dict[str, float]:
    """Everything that has a ceiling, by its dotted name."""
    found: dict[str, float] = {}
    for run in report.runs:
        found[_name(run, report)] = run.mean
        if run.cycles is not None:
            found[f"{_name(run, report)}_cycles"] = run.cycles
        if run.case == "full":
            found |= _of_inference(run)
        ram = f"{run.network}.{run.toolchain}.ram_bytes"
        found[ram] = max(run.ram_bytes, found.get(ram, 0))
    return found


def verdicts(report: BenchReport, ceilings: Ceilings) -> tuple[Verdict, ...]:
    """One per quantity."""
    same = {t for t, identity in report.compilers.items() if ceilings.compilers.get(t) == identity}
    return tuple(
        Verdict(name, measured, ceilings.at_most.get(name) if name.split(".")[1] in same else None)
        for name, measured in quantities(report).items()
    )


def renewed(ceilings: Ceilings, report: BenchReport) -> Ceilings:
    """`ceilings`, lowered to those of `report`, and new ones of what had none; what it did not measure stays.

    None is ever raised: edit the file, with a reason. Where a compiler is another than before, none of its old stays.
    """
    fresh = {name: _ceiling(name, measured) for name, measured in quantities(report).items()}
    compilers = {**ceilings.compilers, **report.compilers}
    stays = {t for t, identity in compilers.items() if ceilings.compilers.get(t) == identity}
    old = {name: ceiling for name, ceiling in ceilings.at_most.items() if name.split(".")[1] in stays}
    return Ceilings(compilers, old | {name: min(ceiling, old.get(name, ceiling)) for name, ceiling in fresh.items()})


def write_ceilings(ceilings: Ceilings, path: Path = FILE) -> None:
    """As TOML, sorted, whole or not at all."""
    lines = [HEADER, "[compilers]", *(f'{name} = "{ceilings.compilers[name]}"' for name in sorted(ceilings.compilers))]
    tables: dict[str, list[str]] = {}
    for name, ceiling in sorted(ceilings.at_most.items()):
        table, _, quantity = name.rpartition(".")
        tables.setdefault(table, []).append(f"{quantity} = {ceiling}")
    for table in sorted(tables):
        lines += ["", f"[{table}]", *tables[table]]
    write_whole(path, ("\n".join(lines) + "\n").encode())


def _of_inference(run: BenchRun) -> dict[str, float]:
    name = f"{run.network}.{run.toolchain}.inference"
    estimate = {} if run.inference_cycles is None else {f"{name}_cycles": run.inference_cycles}
    return {name: run.inference, **estimate}


def _name(run: BenchRun, report: BenchReport) -> str:
    data = () if CASES[run.case].any_data else (report.data[run.network].source,)
    return ".".join((run.network, run.toolchain, *data, run.case))


def _ceiling(name: str, measured: float) -> int:
    network, *where, quantity = name.split(".")
    if quantity == "ram_bytes":
        return int(measured)  # planned, not counted: exact everywhere
    aim = math.inf if UNLEARNED in where else AIMS.get((network, quantity), math.inf)
    return int(min(math.ceil(measured * SLACK), aim))


def _flat(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, int]]:
    for name, value in content.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
