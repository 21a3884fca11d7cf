"""The host benchmark in a table for people."""

from collections.abc import Iterator

import numpy as np
from rich.markup import escape
from rich.table import Table

from tinyprop.bench.on_host.records import EXECUTORCH, OURS, HostReport, HostRun

ABSENT = "–"
COLUMNS = ("µs", "10 %", "90 %", "PyTorch", "ExecuTorch", "RAM", "ratio")


def host_table(report: HostReport) -> Table:
    """A row per network and trainer."""
    table = Table(
        title="One training step, batch 1, one thread: µs, its ratio to others, bytes",
        title_justify="left",
        title_style="bold",
        box=None,
    )
    table.padding = (0, 1, 0, 0)
    for column in ("network", "trainer"):
        table.add_column(column, no_wrap=True)
    for column in COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    for run in report.runs:
        table.add_row(run.network, run.trainer, *cells(report, run))
    return table


def cells(report: HostReport, run: HostRun) -> tuple[str, ...]:
    """The figures of one row, as COLUMNS names them."""
    return (
        *(three_digits(figure) for figure in (run.median, *run.spread)),
        _times(report.over_pytorch(run.network, run.trainer)),
        _times(report.over_executorch(run.network, run.trainer)),
        ABSENT if run.planned_bytes is None else f"{run.planned_bytes:,}",
        _times(report.ram_over_executorch(run.network) if run.trainer == OURS else None),
    )


def notes(report: HostReport) -> Iterator[str]:
    """What a reader must know to judge the figures."""
    rounds, steps = len(report.runs[0].microseconds), {run.network: run.steps for run in report.runs}
    blocks = ", ".join(f"{count:,} ({name})" for name, count in steps.items())
    yield (
        f"Medians of {rounds} rounds in which all take turns, and what a tenth of the rounds stayed below and "
        f"exceeded. Steps in a round: {blocks}. Forward, loss, backward and SGD, from the same weights, on random "
        "samples without a zero, every value computed. PyTorch, ExecuTorch: how many such steps fit into one of "
        "theirs. RAM: planned bytes, weights and sample included, without stack; ratio: ExecuTorch's over ours."
    )
    yield (
        "tinyprop: many samples in one call, which is how the host engine trains; step by step: one call of fit() from "
        "Python for each. PyTorch: SGD parameter by parameter; foreach: on all at once. Ratios are to the faster one."
    )
    largest = max(run.off for run in report.runs)
    yield f"All trained alike before they were timed: no loss or weight is off PyTorch's by more than {largest:.1e}."
    if report.missing:
        yield escape(report.missing)  # its brackets are no markup
    names = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    yield f"{report.cpu}; engine compiled with {report.compiler}; {names}."


def verdicts(report: HostReport) -> Iterator[str]:
    """What was aimed at, beside what was found; nothing depends on it."""
    for network in report.networks:
        aim, found = report.aims[network], report.over_pytorch(network, OURS)
        if aim is not None and found is not None:
            yield f"{mark(found >= aim)}  {network}: {found:.1f} times PyTorch, aimed at {aim}"
    if report.run(report.networks[0], EXECUTORCH) is not None:
        ahead = [
            (report.over_executorch(name, OURS) or 0.0, report.ram_over_executorch(name) or 0.0)
            for name in report.networks
        ]
        holds = all(times > 1 and ram > 1 for times, ram in ahead)
        yield f"{mark(holds)}  Ahead of ExecuTorch everywhere, in time and planned RAM"


def mark(holds: bool) -> str:
    """Whether an aim was reached, in colour."""
    return "[green]ok[/green]" if holds else "[yellow]NO[/yellow]"


def three_digits(figure: float) -> str:
    """Three that count, or all in front of the point."""
    return f"{figure:,.{max(0, 2 - int(np.floor(np.log10(figure))))}f}"


def _times(ratio: float | None) -> str:
    return ABSENT if ratio is None else f"{three_digits(ratio)}×"
