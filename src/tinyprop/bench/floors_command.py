"""`tinyprop floors`: train the named recipes in PyTorch and say how far each gets, beside what it has to reach."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from tinyprop.bench.atomic_file import require_writable, write_whole
from tinyprop.bench.compare.provenance import provenance
from tinyprop.bench.progress import stage_progress
from tinyprop.bench.recipes.floors import Floor, measured
from tinyprop.bench.recipes.table import RECIPES
from tinyprop.data import find, loader_named
from tinyprop.data.finding import how_to_get
from tinyprop.errors import UserError, unknown_name

ABSENT = "–"
INTERRUPTED = 130  # as shells say it of Ctrl-C


@dataclass(frozen=True)
class Row:
    """A row of the JSON: what was measured, how it was trained, and what it was made with."""

    measured: Floor
    settings: Mapping[str, Any]
    provenance: Mapping[str, str]


def floors_command(
    console: Console, *, names: Sequence[str], seeds: int, processes: int, json_path: Path | None
) -> int:
    """Exit status: 0, 1 when a floor was not reached, 130 after Ctrl-C. names: recipes; none: all whose data is here.

    json_path: rows of recipes that are not measured now stay as they are in it. Raises UserError for an unknown name,
    for data that is not here, for a file that holds something else, and as `measured` does.
    """
    chosen = _chosen(console, names)
    for what, number in (("seeds", seeds), ("processes", processes)):
        if number < 1:
            raise UserError(f"{what} is {number}: choose 1 or more.")
    earlier: dict[str, Row] = {}
    if json_path is not None:
        require_writable(json_path)
        earlier = _rows_in(json_path)
    try:
        with stage_progress(console) as advance:
            floors = measured(chosen, seeds, processes, advance)
    except KeyboardInterrupt:
        console.print("Stopped. Networks that were finished are kept: call it again to go on.")
        return INTERRUPTED
    console.print(_table(floors))
    if json_path is not None:
        now = {floor.recipe: Row(floor, RECIPES[floor.recipe].settings, provenance()) for floor in floors}
        both = earlier | now
        content = {"floors": [both[name] for name in RECIPES if name in both]}
        write_whole(json_path, msgspec.json.format(msgspec.json.encode(content)) + b"\n")
        console.print(f"rows: {json_path}", highlight=False)
    return 0 if all(floor.reached is not False for floor in floors) else 1


def _rows_in(path: Path) -> dict[str, Row]:
    if not path.exists():
        return {}
    try:
        rows = msgspec.json.decode(path.read_bytes(), type=dict[str, tuple[Row, ...]])["floors"]
    except (OSError, KeyError, msgspec.MsgspecError) as error:
        raise UserError(f"'{path}' holds no rows of floors ({error}): name another file.") from error
    return {row.measured.recipe: row for row in rows}


def _chosen(console: Console, names: Sequence[str]) -> tuple[str, ...]:
    for name in names:
        if name not in RECIPES:
            raise unknown_name("recipe", name, RECIPES)
        loader = loader_named(RECIPES[name].dataset)
        if find(loader) is None:
            raise UserError(how_to_get(loader))
    if names:
        return tuple(dict.fromkeys(names))
    here = tuple(name for name, recipe in RECIPES.items() if find(loader_named(recipe.dataset)) is not None)
    missing = [name for name in RECIPES if name not in here]
    if missing:
        console.print(f"Left out, as their data is not on this machine: {', '.join(missing)}.", highlight=False)
    return here


def _table(floors: Sequence[Floor]) -> Table:
    table = Table(title="Full training in PyTorch", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for column in ("data", "network", "parameters", "accuracy", "floor", "reached", "seeds"):
        table.add_column(column, justify="left" if column in ("data", "network") else "right", no_wrap=True)
    for floor in floors:
        interval = "" if floor.accuracy_ci95 is None else f"±{floor.accuracy_ci95:.1f}"
        table.add_row(
            floor.dataset,
            floor.network,
            f"{floor.parameters:,}",
            f"{floor.accuracy_mean:.1f}{interval}",
            ABSENT if floor.floor is None else f"{floor.floor:.1f}",
            {None: ABSENT, True: "yes", False: "no"}[floor.reached],
            f"{floor.seeds}",
        )
    return table
