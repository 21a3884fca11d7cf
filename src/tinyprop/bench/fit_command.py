"""`tinyprop fit`: on which boards a model fits, what it costs there, and what to change where it does not."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from tinyprop.bench.atomic_file import require_writable, write_whole
from tinyprop.bench.fitting.records import Setup, stored
from tinyprop.bench.fitting.run import fit_boards
from tinyprop.bench.fitting.table import advice, json_rows, notes, tables
from tinyprop.bench.progress import stage_progress
from tinyprop.errors import UserError
from tinyprop.store import StoreSettings
from tinyprop.surface import Network
from tinyprop.targets.board import Board, board_names, load_board

ALL = "all"


def fit_command(
    console: Console,
    network: Network,
    asked: Setup,
    boards: Sequence[str],
    *,
    store: StoreSettings | None = None,
    json_path: Path | None = None,
) -> int:
    """Exit status: 0 when the model fits one of `boards` ("all", names, .toml files), 1 when it fits none.

    Raises UserError before anything is built for an unknown board, method, loss or choice.
    """
    chosen = chosen_boards(boards)
    trainer = asked.trainer(network)  # what cannot be trained is refused before anything is built
    if json_path is not None:
        require_writable(json_path)
    with stage_progress(console) as advance:
        rows = fit_boards(network, asked, chosen, store=store, advance=advance)
    for table in tables(rows):
        console.print(table)
    counted = () if store is None else (f"{stored(store, trainer)}; counted as RAM.",)
    for line in (*notes(rows), *counted, *advice(rows)):
        console.print(line, highlight=False, soft_wrap=True)
    if json_path is not None:
        write_whole(json_path, msgspec.json.format(msgspec.json.encode(json_rows(rows))) + b"\n")
        console.print(f"fits: {json_path}", highlight=False)
    return 0 if any(row.fit.fits for row in rows) else 1


def chosen_boards(names: Sequence[str]) -> tuple[Board, ...]:
    """The boards of these names and files, each once; "all": those that come with tinyprop. Raises UserError."""
    if ALL in names:
        if len(names) > 1:
            raise UserError(f"--boards was given '{ALL}' and {len(names) - 1} more: pass '{ALL}' alone, or names.")
        names = board_names()
    if not names:
        raise UserError(f"--boards names no board: pass '{ALL}', names from `tinyprop boards`, or .toml files.")
    return tuple({(board := load_board(name)).name: board for name in names}.values())
