"""`tinyprop checkpoint plan`: the flash that checkpoints take on each board, and how long it lasts."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from tinyprop.bench.atomic_file import require_writable, write_whole
from tinyprop.bench.fit_command import chosen_boards
from tinyprop.checkpoint.layout_file import read_layout
from tinyprop.cost.wear import slot_plan


def plan_command(
    console: Console,
    layout_path: Path,
    boards: Sequence[str],
    *,
    slots: int,
    saves_per_day: float,
    extra_bytes: int,
    json_path: Path | None,
) -> int:
    """A row per board whose flash is known; the others are named. Raises UserError."""
    if json_path is not None:
        require_writable(json_path)
    layout = read_layout(layout_path)
    plans, unknown = [], []
    for board in chosen_boards(boards):
        plan = slot_plan(board, layout.words, slots=slots, saves_per_day=saves_per_day, extra_bytes=extra_bytes)
        if plan is None:
            unknown.append(board.name)
        else:
            plans.append(plan)
    title = f"Checkpoints of {layout.name}, {slots} slots, {saves_per_day:g} saves a day"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("board", no_wrap=True)
    for column in ("block", "unit", "checkpoint", "slot", "all slots", "years"):
        table.add_column(column, justify="right", no_wrap=True)
    for plan in plans:
        counts = (plan.block, plan.unit, plan.checkpoint, plan.slot, plan.region)
        table.add_row(plan.board, *(f"{count:,}" for count in counts), f"{plan.years:,.1f}")
    console.print(table)
    console.print(
        "Bytes. years: until the block that wears most was erased as often as its maker promises; every save erases "
        "each block of its slot at most once.",
        highlight=False,
    )
    if unknown:
        console.print(f"No source says how flash is written on {', '.join(unknown)}.", highlight=False)
    if json_path is not None:
        content = {"program": layout.name, "slots": slots, "saves_per_day": saves_per_day, "plans": plans}
        write_whole(json_path, msgspec.json.format(msgspec.json.encode(content)) + b"\n")
        console.print(f"plans: {json_path}", highlight=False)
    return 0
