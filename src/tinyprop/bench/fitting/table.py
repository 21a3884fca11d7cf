"""Fits in tables and sentences for people, and as rows for JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table

from tinyprop.bench.fitting.records import BoardFit
from tinyprop.targets.fit import Fit


def tables(rows: Sequence[BoardFit]) -> Iterator[Table]:
    """What each board holds, and what a step costs there."""
    held = _table("Bytes of the linked image", "fits", "RAM", "left", "flash", "left")
    cost = _table("Means per sample", "train", "infer", "train ms", "infer ms", "train mJ")
    for row in rows:
        fit, counts = row.fit, row.counts
        sizes = (fit.ram_bytes, fit.ram_left, fit.flash_bytes, fit.flash_left)
        held.add_row(row.board.name, "yes" if fit.fits else "no", *(f"{size:,}" for size in sizes))
        seconds = (row.seconds(row.training_cycles), row.seconds(row.inference_cycles))
        cost.add_row(
            row.board.name,
            "" if counts is None else f"{counts.training:,.0f}",
            "" if counts is None else f"{counts.inference:,.0f}",
            *("" if s is None else f"{1e3 * s:.3g}" for s in seconds),
            _blank_or(row.millijoules(row.training_cycles)),
        )
    yield held
    yield cost


def notes(rows: Sequence[BoardFit]) -> Iterator[str]:
    """What the figures are, where they were counted, and what is missing."""
    yield (
        "RAM: variables, one sample, its outputs, the stack and the measuring harness; flash: code, weights, that "
        "harness. train, infer: instructions, exact, over the golden samples. ms and mJ are estimates: cycles at the "
        "board's clock in memory without wait states, blank where the core has no timing table; the same cycles at the "
        "current that the maker states, blank where none is sourced."
    )
    for counted_on in dict.fromkeys(row.counts.board for row in rows if row.counts):
        others = [row.board.name for row in rows if row.counts and row.counts.board == counted_on != row.board.name]
        if others:
            yield f"Counted on {counted_on}, same core and compiler flags: {', '.join(others)}."
    for row in rows:
        if row.counts is None:
            yield f"{row.board.name}: not counted, {row.uncounted}."
    for row in rows:
        if row.board.power and row.training_cycles is not None:
            yield f"{row.board.name}, mJ: {row.board.power.source}."


def advice(rows: Sequence[BoardFit]) -> Iterator[str]:
    """For each board that is too small: by how much, what would help, which boards are larger."""
    for row in rows:
        if row.fit.fits:
            continue
        yield f"{row.board.name}: {row.fit}."
        for change in row.changes:
            verdict = "fits" if change.fit.fits else "comes nearest, and does not fit either"
            yield f"    {change.what}: {verdict}, {change.fit}"
        if not row.changes:
            yield "    no change that tinyprop knows makes it smaller"
        yield f"    larger boards: {', '.join(row.larger) or 'none that tinyprop knows'}"


def json_rows(rows: Sequence[BoardFit]) -> list[dict[str, Any]]:
    """A row per board; null: no figure. seconds and millijoules are estimates."""
    return [
        {
            "board": row.board.name,
            "title": row.board.title,
            "cpu": row.board.cpu,
            **_bytes(row.fit),
            "instructions_training": row.counts and row.counts.training,
            "instructions_inference": row.counts and row.counts.inference,
            "counted_on": row.counts and row.counts.board,
            "not_counted": row.uncounted or None,
            "cycles_training": row.training_cycles,
            "cycles_inference": row.inference_cycles,
            "seconds_training": row.seconds(row.training_cycles),
            "seconds_inference": row.seconds(row.inference_cycles),
            "millijoules_training": row.millijoules(row.training_cycles),
            "millijoules_inference": row.millijoules(row.inference_cycles),
            "changes": [{"change": change.what, **_bytes(change.fit)} for change in row.changes],
            "larger": list(row.larger),
        }
        for row in rows
    ]


def _bytes(fit: Fit) -> dict[str, Any]:
    return {
        "fits": fit.fits,
        "ram_bytes": fit.ram_bytes,
        "ram_left": fit.ram_left,
        "flash_bytes": fit.flash_bytes,
        "flash_left": fit.flash_left,
    }


def _blank_or(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _table(title: str, *columns: str) -> Table:
    made = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0), pad_edge=False)
    made.add_column("board", no_wrap=True)
    for column in columns:
        made.add_column(column, justify="right", no_wrap=True)
    return made
