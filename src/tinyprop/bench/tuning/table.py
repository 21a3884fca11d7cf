"""A front as a table, all that was tried as JSON."""

from collections.abc import Sequence

import msgspec
from rich.table import Table

from tinyprop.bench.tuning.candidate import Candidate
from tinyprop.bench.tuning.objectives import OBJECTIVES
from tinyprop.bench.tuning.search import RATE, TRAINABLE, Search


def front_table(search: Search, front: Sequence[Candidate], chosen: Candidate) -> Table:
    """One row per candidate, the chosen one marked."""
    title = f"{search.method} · {search.network} · {', '.join(search.scenarios)}"
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 1, 0, 0))
    for column in ("", "trial", *(name for name in search.ranges if name != RATE), RATE):
        table.add_column(column, justify="right")
    if len(search.trainable) > 1:
        table.add_column(TRAINABLE)
    for objective in OBJECTIVES.values():
        table.add_column(objective.title, justify="right")
    for one in front:
        trains = (one.trainable or "all",) if len(search.trainable) > 1 else ()
        settings = (f"{one.settings[name]:g}" for name in search.ranges if name != RATE)
        shown = (objective.shown.format(getattr(one, name)) for name, objective in OBJECTIVES.items())
        mark = "*" if one == chosen else ""
        table.add_row(mark, str(one.number), *settings, f"{one.rate:g}", *trains, *shown)
    return table


def json_of(
    search: Search,
    candidates: Sequence[Candidate],
    front: Sequence[Candidate],
    chosen: Candidate,
    stopped: Sequence[str],
) -> bytes:
    """{"search", "candidates", "front": numbers of trials, "chosen": one of them, "stopped": why others came to
    nothing}."""
    content = {
        "search": search,
        "candidates": candidates,
        "front": [one.number for one in front],
        "chosen": chosen.number,
        "stopped": list(stopped),
    }
    return msgspec.json.format(msgspec.json.encode(content)) + b"\n"
