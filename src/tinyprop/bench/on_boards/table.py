"""The runs on boards in a table for people."""

from collections.abc import Iterator

from rich.table import Table

from tinyprop.bench.on_boards.records import BoardRun, OnBoardsReport

SELECTION = 0.05  # of a step that is not skipped: where it takes more, readers are told
COLUMNS = ("mean k", "worst k", "to full", "skip", "infer k", "RAM", "flash", "stack", "=")


def tables(report: OnBoardsReport) -> Iterator[Table]:
    """One per placement and compiler, a row per case."""
    for runs in report.places():
        made = Table(title=_title(runs[0]), title_justify="left", title_style="bold", box=None, padding=(0, 1, 0, 0))
        made.add_column("method", no_wrap=True)
        for column in COLUMNS:
            made.add_column(column, justify="right", no_wrap=True)
        full = next((run for run in runs if run.case == "full"), None)
        for run in runs:
            made.add_row(run.case, *_cells(run, full))
        yield made


def notes(report: OnBoardsReport) -> Iterator[str]:
    """What a reader must know to judge the figures."""
    yield (
        "k: thousand instructions per training step, exact, over a few steps; infer: inferring the same samples. "
        "RAM (KiB): weights, activations and errors, method state, one sample, without stack; flash in KiB, stack in "
        f"bytes. =: board and host end with identical weights. Compilers: {', '.join(report.compilers)}."
    )
    yield "Boards: " + "; ".join(f"{name}: {title}" for name, title in report.boards.items()) + "."
    yield "Data: " + "; ".join(f"{network}: {summary}" for network, summary in report.data.items()) + "."
    dear = [run for run in report.runs if (run.selection or 0) > SELECTION]
    yield (
        f"Finding the entries to keep takes more than {SELECTION:.0%} of a step that is not skipped: "
        + (
            "; ".join(f"{run.network} on {run.board}, {run.toolchain}, {run.case}: {run.selection:.1%}" for run in dear)
            or "nowhere"
        )
        + "."
    )
    for misfit in report.misfits:
        yield (
            f"{misfit.network} on {misfit.board}: all of it training needs {misfit.needs:,} bytes of RAM, the board "
            f"has {misfit.has:,} beside its stack; only what the table says trains."
        )


def verdicts(report: OnBoardsReport) -> Iterator[str]:
    """Whether what was promised holds."""
    runs, different = len(report.runs), len(report.different_weights())
    same = f"{runs - different} of {runs} runs (SHA-256)"
    yield f"{_mark(different == 0)}  Board and host end with identical weights in {same}"
    slow = report.slow_steps()
    yield f"{_mark(not slow)}  The worst sparse step never costs more than the dense one" + "".join(
        f"\n    {step}" for step in slow
    )


def _mark(holds: bool) -> str:
    return "[green]ok[/green]" if holds else "[red]NO[/red]"


def _title(run: BoardRun) -> str:
    what = "" if run.trained_share == 1 else f" · {run.trained_share:.1%} of the parameters train"
    return f"{run.network} · {run.board}{what} · {run.steps} steps · {run.toolchain}"


def _cells(run: BoardRun, full: BoardRun | None) -> tuple[str, ...]:
    return (
        f"{run.mean / 1e3:,.1f}",
        f"{run.worst / 1e3:,.1f}",
        "–" if full is None else f"{run.mean / full.mean:.2f}",
        f"{run.skipped_share:.0%}",
        f"{run.inference / 1e3:,.1f}",
        f"{run.ram_bytes / 1024:,.0f}",
        f"{run.flash_bytes / 1024:,.0f}",
        f"{run.stack_bytes:,}",
        "=" if run.hash_host == run.hash_board else "≠",
    )
