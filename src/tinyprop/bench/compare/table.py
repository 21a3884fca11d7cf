"""The summary of a comparison in a table for people, as JSON for machines."""

from collections.abc import Mapping, Sequence

import msgspec
from rich.table import Table

from tinyprop.bench.compare.config import CompareConfig
from tinyprop.bench.compare.summary import MARGIN, SummaryRow

COLUMNS = ("accuracy", "to full", "old task", "bwd", "total", "skip", "cost", "seeds")
COUNTED = ("k instr", "k cost")  # where steps were counted on a board
ABSENT = "–"
LEGEND = (
    "accuracy: percent on test data after learning, mean ± half of the 95 % interval; to full: points, seed by seed, "
    "with its interval; old task: points gained or lost on what the network could before. bwd, total: effort, "
    "multiply-adds over those of plain full training, backward and in all. skip: share of steps skipped. cost: "
    f"multiply-adds until full training's final accuracy less {MARGIN:g} point, over those of full training with zeros "
    f"skipped, all of them means over the seeds; {ABSENT}: it did not get there. k instr: thousand instructions a "
    "step, estimated from steps counted on a board; k cost: the cost in these. mJ: millijoules a step on a board, "
    "where its maker says what it draws and its RAM holds the network, of cycles estimated alike."
)


def tables(rows: Sequence[SummaryRow]) -> tuple[Table, ...]:
    """One per scenario and network."""
    groups: dict[tuple[str, str, str], list[SummaryRow]] = {}
    for row in rows:
        groups.setdefault((row.scenario, row.model, row.dataset), []).append(row)
    return tuple(_table(" · ".join(name), group) for name, group in groups.items())


def json_of(rows: Sequence[SummaryRow], config: CompareConfig, provenance: Sequence[Mapping[str, str]]) -> bytes:
    """{"rows": [...], "config": ..., "provenance": [...]}: a row per scenario, network and method; what was asked for;
    the different versions and hashes that the runs were made with."""
    content = {"rows": rows, "config": config, "provenance": provenance}
    return msgspec.json.format(msgspec.json.encode(content)) + b"\n"


def _table(title: str, rows: Sequence[SummaryRow]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 1, 0, 0))
    table.add_column("method", no_wrap=True)
    counted = any(row.instructions is not None for row in rows)
    for column in (*COLUMNS, *(COUNTED if counted else ())):
        table.add_column(column, justify="right", no_wrap=True)
    boards = boards_of(rows)
    for board in boards:
        table.add_column(f"mJ {board}", justify="right", no_wrap=True)
    for row in rows:
        energy = (ABSENT if board not in row.millijoules else f"{row.millijoules[board]:.3g}" for board in boards)
        table.add_row(row.method, *_cells(row), *(_counted(row) if counted else ()), *energy)
    return table


def boards_of(rows: Sequence[SummaryRow]) -> tuple[str, ...]:
    """Those on which the energy of one of `rows` is known."""
    return tuple(dict.fromkeys(board for row in rows for board in row.millijoules))


def _cells(row: SummaryRow) -> tuple[str, ...]:
    return (
        f"{row.accuracy_mean:.1f}{_interval(row.accuracy_ci95)}",
        ABSENT if row.difference_mean is None else f"{row.difference_mean:+.1f}{_interval(row.difference_ci95)}",
        ABSENT if row.forgotten_mean is None else f"{row.forgotten_mean:+.1f}",
        f"{row.effort_bwd:.3f}",
        f"{row.effort_total:.3f}",
        f"{row.skipped_share:.0%}",
        ABSENT if row.cost_to_accuracy is None else f"{row.cost_to_accuracy:.2f}",
        f"{row.seeds}",
    )


def _counted(row: SummaryRow) -> tuple[str, ...]:
    return (
        ABSENT if row.instructions is None else f"{row.instructions / 1000:,.1f}",
        ABSENT if row.instructions_to_accuracy is None else f"{row.instructions_to_accuracy:.2f}",
    )


def _interval(half: float | None) -> str:
    return "" if half is None else f"±{half:.1f}"
