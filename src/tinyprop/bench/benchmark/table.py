"""The benchmark in tables for people."""

from collections.abc import Iterable, Iterator, Mapping

from rich.table import Table

from tinyprop.bench.benchmark.ceilings import Verdict
from tinyprop.bench.benchmark.config import CASES
from tinyprop.bench.benchmark.peers import Peer
from tinyprop.bench.benchmark.records import BenchReport, BenchRun
from tinyprop.bench.paired import paired_difference

LEVELS = {"zig": "-O2", "gcc": "-O3"}
ABSENT = "–"
ESTIMATED = "≈ k cycles"
RATIO_CASES = ("full", "full_zero_skip", "tinyprop_v2", "ours")


def tables(report: BenchReport) -> tuple[Table, ...]:
    """Instructions and RAM beside the peers', then the fine-tuning runs behind them."""
    return steps_table(report), ram_table(report), *(run_table(report, network) for network in report.networks)


def steps_table(report: BenchReport) -> Table:
    """Mean thousand instructions per training step, by network, estimated cycles beside them; the peers' below ours."""
    title = f"Thousand instructions per training step, {report.board} (emulated); {ESTIMATED}: estimated, see below"
    table = _table(title, "trainer", *(name for network in report.networks for name in (network, ESTIMATED)))
    for toolchain in report.compilers:
        table.add_row(f"tinyprop, {toolchain} {LEVELS[toolchain]}", style="bold")
        _our_rows(table, report, toolchain)
    table.add_row(f"others, recorded {report.peers.recorded}, not re-run", style="bold")
    for peer in report.peers.peer:
        figures = _peer_cells(peer.instructions, report.networks, "{:,.1f}", 1e3)
        table.add_row(_peer_name(peer), *(cell for figure in figures for cell in (figure, "")), style="dim")
    return table


def ram_table(report: BenchReport) -> Table:
    """Bytes of RAM while training: ours without the stack, the peers' as recorded."""
    table = _table("RAM to train, bytes", "trainer", *report.networks)
    runs = [_run(report, network, next(iter(report.compilers)), "full") for network in report.networks]
    table.add_row("tinyprop", *(f"{run.ram_bytes:,}" if run else ABSENT for run in runs))
    for peer in report.peers.peer:
        if peer.ram_bytes:
            table.add_row(_peer_name(peer), *_peer_cells(peer.ram_bytes, report.networks, "~{:,.0f}", 1), style="dim")
    return table


def run_table(report: BenchReport, network: str) -> Table:
    """The fine-tuning runs of one network: what was learned, and what it cost. Built by the first compiler."""
    toolchain = next(iter(report.compilers))
    counts = ("mean k", ESTIMATED, "trained k", "worst k", "select", "skipped k")
    columns = ("before", "after", "to full", "skip", *counts, "flash", "stack")
    table = _table(f"{network} ({toolchain}): {report.data[network].summary}", "method", *columns)
    runs = _runs(report, network, toolchain)
    full = next((run for run in runs if run.case == "full"), None)
    for run in runs:
        if CASES[run.case].learns:
            table.add_row(run.case, *_run_cells(run, full))
    return table


def ratios(report: BenchReport) -> tuple[str, ...]:
    """One sentence per network: the best dense peer's step over ours, and what differs."""
    return tuple(_ratio(report, network) for network in report.networks)


def notes(report: BenchReport) -> tuple[str, ...]:
    """What a reader must know to judge the figures."""
    peers = report.peers
    differing = "; ".join(f"{peer.name}: {peer.differs}" for peer in peers.peer if peer.differs)
    steps = ", ".join(f"{network} {_steps(report, network)}" for network in report.networks)
    found = [
        f"tinyprop: exact counts, mean of a fine-tuning run, sample by sample ({steps} steps). Accuracy: percent, mean "
        "and standard deviation over several pretrainings and orders; to full: paired, with its 95 % interval. "
        "'a skipped step' is the run with everything skipped. k: thousand instructions; trained k: of a step that is "
        "not skipped, of which select is for the selection, in instructions; flash in KiB, stack in bytes. RAM: "
        "weights, activations and errors, the method's state, one sample; without stack. *: differs, see below.",
        f"Peers: recorded {peers.recorded}, not re-run here: {peers.conditions}. They differ: {differing}.",
    ]
    if report.estimate:
        found.append(_estimate_note(report))
    if "gcc" not in report.compilers:
        found.append("arm-none-eabi-gcc is not installed: only zig was measured.")
    return tuple(found)


def ceilings_table(verdicts: Iterable[Verdict]) -> Table:
    """Each quantity beside its ceiling, and whether it holds; a column per compiler."""
    cells: dict[str, dict[str, str]] = {}
    for verdict in verdicts:
        network, toolchain, quantity = verdict.name.split(".", 2)
        cells.setdefault(toolchain, {})[f"{network} {quantity}"] = _verdict_cell(verdict)
    table = _table("Ceilings", "quantity", *cells)
    for quantity in dict.fromkeys(name for column in cells.values() for name in column):
        table.add_row(quantity, *(column.get(quantity, ABSENT) for column in cells.values()))
    return table


def _verdict_cell(verdict: Verdict) -> str:
    if verdict.ceiling is None:
        return f"{verdict.measured:,.0f}, no ceiling for this compiler"
    if verdict.holds:
        return f"{verdict.measured:,.0f} ≤ {verdict.ceiling:,} [green]holds[/green]"
    return f"{verdict.measured:,.0f} > {verdict.ceiling:,} [red]EXCEEDED[/red]"


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 1, 0, 0))
    table.add_column(first, no_wrap=True)
    for column in others:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _our_rows(table: Table, report: BenchReport, toolchain: str) -> None:
    for case in dict.fromkeys(run.case for run in report.runs):
        runs = [_run(report, network, toolchain, case) for network in report.networks]
        pairs = ((run.mean, run.cycles) if run else None for run in runs)
        table.add_row(f"  {CASES[case].title}", *_count_cells(pairs))
    full = [_run(report, network, toolchain, "full") for network in report.networks]
    pairs = ((run.inference, run.inference_cycles) if run else None for run in full)
    table.add_row("  inference, every value computed", *_count_cells(pairs))


def _count_cells(pairs: Iterable[tuple[float, float | None] | None]) -> Iterator[str]:
    """Two cells for each: counted instructions, estimated cycles."""
    for pair in pairs:
        yield from (f"{pair[0] / 1e3:,.1f}", _estimate(pair[1])) if pair else (ABSENT, "")


def _estimate(cycles: float | None) -> str:
    return "no estimate" if cycles is None else f"{cycles / 1e3:,.1f}"


def _peer_name(peer: Peer) -> str:
    return f"  {peer.name}" + (" *" if peer.differs else "")


def _peer_cells(figures: Mapping[str, int], networks: tuple[str, ...], form: str, unit: float) -> Iterator[str]:
    for network in networks:
        yield form.format(figures[network] / unit) if network in figures else ABSENT


def _run_cells(run: BenchRun, full: BenchRun | None) -> tuple[str, ...]:
    return (
        f"{run.accuracy_before:.1f}",
        f"{run.accuracy_after:.1f}±{run.accuracy_after_sd:.1f}",
        ABSENT if full is None else "{:+.1f}±{:.1f}".format(*paired_difference(run.accuracies, full.accuracies)),
        f"{run.skipped_share:.0%}",
        f"{run.mean / 1e3:,.1f}",
        _estimate(run.cycles),
        ABSENT if run.trained_step is None else f"{run.trained_step / 1e3:,.1f}",
        f"{run.worst / 1e3:,.1f}",
        f"{run.selection:,.0f}",
        ABSENT if run.skipped_step is None else f"{run.skipped_step / 1e3:,.1f}",
        f"{run.flash_bytes / 1024:,.1f}",
        f"{run.stack_bytes:,}",
    )


def _ratio(report: BenchReport, network: str) -> str:
    best = report.peers.best_dense(network)
    theirs = best.instructions[network]
    toolchain = next(iter(report.compilers))
    ours = (
        f"{CASES[r.case].title} {theirs / r.mean:.1f}×"
        for r in _runs(report, network, toolchain)
        if r.case in RATIO_CASES
    )
    differs = f" ({best.differs})" if best.differs else ""
    return f"{network}: best dense peer {best.name}{differs}: {theirs:,}; over ours ({toolchain}): {', '.join(ours)}."


def _estimate_note(report: BenchReport) -> str:
    clock = f"{report.clock_hz / 1e6:g} MHz"
    toolchain = next(iter(report.compilers))
    times = (
        f"{run.network} {1e3 * run.cycles / report.clock_hz:.2f} ms"
        for run in report.runs
        if (run.toolchain, run.case) == (toolchain, "full") and run.cycles is not None
    )
    return (
        f"{ESTIMATED} are an estimate over the instructions that were counted, no measurement: {report.estimate}. "
        f"At {clock}, full training ({toolchain}) would take: {', '.join(times)}."
    )


def _runs(report: BenchReport, network: str, toolchain: str) -> tuple[BenchRun, ...]:
    return tuple(run for run in report.runs if (run.network, run.toolchain) == (network, toolchain))


def _run(report: BenchReport, network: str, toolchain: str, case: str) -> BenchRun | None:
    return next((run for run in _runs(report, network, toolchain) if run.case == case), None)


def _steps(report: BenchReport, network: str) -> int:
    return next(run.steps for run in report.runs if run.network == network)
