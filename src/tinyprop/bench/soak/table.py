"""The long lives in a table for people."""

from collections.abc import Iterator

from rich.table import Table

from tinyprop.bench.soak.records import SoakReport

COLUMNS = ("steps", "again", "resets", "cuts", "bad", "lost", "drift", "stack")


def soak_table(report: SoakReport) -> Table:
    """A row per method and target."""
    made = Table(title="Long lives", title_justify="left", box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for column in ("on", "method"):
        made.add_column(column, no_wrap=True)
    for column in COLUMNS:
        made.add_column(column, justify="right", no_wrap=True)
    for run in report.runs:
        counts = (run.steps, run.replayed, run.resets, run.cuts, run.bad_samples, run.lost, run.mismatches)
        stack = f"{run.stack_bytes:,}" if run.stack_bytes else ""
        made.add_row(run.target, run.method, *(f"{count:,}" for count in counts), stack)
    return made


def notes() -> Iterator[str]:
    """What a reader must know to judge the figures."""
    yield (
        "Two devices learn the same samples, one in peace, one in the field: samples that are none, saves, power lost "
        "while it saves and while it learns, rubbish in its RAM when it starts. again: steps made twice, because they "
        "were not saved; cuts: power lost while it saved; bad: samples that were none. drift: comparisons, a hundred "
        "per run, in which any word of their states differed. stack: its depth on boards, in bytes."
    )


def verdicts(report: SoakReport) -> Iterator[str]:
    """Whether what was promised holds."""
    bad = [f"{run.method} on {run.target}" for run in report.runs if not run.is_good]
    yield f"{_mark(not bad)}  Nothing lost, nothing drifted, nothing grew in {len(report.runs)} runs" + _listed(bad)
    apart = list(report.drifted())
    yield f"{_mark(not apart)}  Boards and host have the same state after as many steps" + _listed(apart)


def is_good(report: SoakReport) -> bool:
    """All of it."""
    return all(run.is_good for run in report.runs) and not list(report.drifted())


def _listed(names: list[str]) -> str:
    return "".join(f"\n    {name}" for name in names)


def _mark(holds: bool) -> str:
    return "[green]ok[/green]" if holds else "[red]NO[/red]"
