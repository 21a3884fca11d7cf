"""The cuts in a table for people."""

from collections.abc import Iterator

from rich.table import Table

from tinyprop.bench.power_loss.records import PowerLossCase, PowerLossReport

LARGEST_OVER_RAW = 1.1  # of a save, over writing the state as it is


def cases_table(report: PowerLossReport) -> Table:
    """A row per kind of cut and geometry."""
    made = Table(title="Power cut while saving", title_justify="left", box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for column in ("memory", "power goes"):
        made.add_column(column)
    for column in ("tried", "lost", "mixed"):
        made.add_column(column, justify="right", no_wrap=True)
    for case in report.cases:
        made.add_row(case.geometry, case.kind, *(f"{count:,}" for count in (case.tried, case.lost, case.mixed)))
    return made


def saves_table(report: PowerLossReport) -> Table:
    """A row per geometry: what one save writes."""
    title = "One save, in bytes"
    made = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0), pad_edge=False)
    made.add_column("memory")
    for column in ("state", "written", "in erased blocks", "over the state as it is"):
        made.add_column(column, justify="right")
    for save in report.saves:
        counts = (f"{count:,}" for count in (save.raw, save.written, save.erased))
        made.add_row(save.geometry, *counts, f"{save.over_raw:.3f}")
    return made


def rewritten_table(report: PowerLossReport) -> Table:
    """A row per method and number of steps between saves: the share of the slot that is written."""
    title = "Share of a slot's blocks that differ from the save before, digits"
    made = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0), pad_edge=False)
    made.add_column("method")
    made.add_column("steps", justify="right")
    for size in report.rewritten[0].share:
        made.add_column(f"{size} B", justify="right")
    for row in report.rewritten:
        made.add_row(row.method, f"{row.steps:,}", *(f"{share:.2f}" for share in row.share.values()))
    return made


def notes() -> Iterator[str]:
    """What a reader must know to judge the figures."""
    yield (
        "tried: cuts, at every operation (a unit programmed, a block erased) of a save. lost: what was there then was "
        "older than the last save that had ended, or nothing. mixed: it was no state of the undisturbed device, or did "
        "not go on with its losses to its weights. weak bits read one way now and another way then, unreadable ones "
        "not at all. reordered: of what was written since the last sync each block got any number of its operations. "
        "In slots of which one holds a turned bit, the other is expected."
    )


def verdicts(report: PowerLossReport) -> Iterator[str]:
    """Whether what was promised holds."""
    bad = report.bad
    tried = sum(case.tried for case in report.cases)
    yield f"{_mark(not bad)}  Nothing lost and nothing mixed in {tried:,} cuts and turned bits" + "".join(
        f"\n    {_words(case)}" for case in bad
    )
    worst = max((save.over_raw for save in report.saves), default=0.0)
    holds = _mark(worst <= LARGEST_OVER_RAW)
    yield f"{holds}  A save writes at most {worst:.3f} times the state, allowed {LARGEST_OVER_RAW}"


def is_good(report: PowerLossReport) -> bool:
    """All of it."""
    return not report.bad and all(save.over_raw <= LARGEST_OVER_RAW for save in report.saves)


def _words(case: PowerLossCase) -> str:
    found = f"{case.lost} lost, {case.mixed} mixed, {case.violations} of what no such memory allows"
    return f"{case.geometry}, {case.kind}: {found}, of {case.tried}"


def _mark(holds: bool) -> str:
    return "[green]ok[/green]" if holds else "[red]NO[/red]"
