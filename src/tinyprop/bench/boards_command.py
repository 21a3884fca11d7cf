"""`tinyprop boards`: the boards that come with tinyprop, what of each has a source, and a template for one's own."""

from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from tinyprop.bench.atomic_file import require_writable, write_whole
from tinyprop.errors import UserError
from tinyprop.targets.board import TEMPLATE, Board, board_names, load_board

LEGEND = (
    "sourced: T, cycles can be estimated, and so time; E, the maker says what the chip draws; W, how its flash is "
    "erased and programmed, and how often. Each figure's source stands beside it in the board's file."
)


def boards_command(console: Console, *, json_path: Path | None = None, template: Path | None = None) -> int:
    """Prints the boards, or writes the template where asked. Exit status 0. Raises UserError."""
    if template is not None:
        write_template(template)
        console.print(
            f"Wrote {template}: fill it in, then `tinyprop fit model.pt2 --boards {template}`.",
            highlight=False,
            soft_wrap=True,
        )
        return 0
    if json_path is not None:
        require_writable(json_path)
    boards = [load_board(name) for name in board_names()]
    console.print(table(boards))
    console.print(LEGEND, highlight=False)
    if json_path is not None:
        write_whole(json_path, msgspec.json.format(msgspec.json.encode(boards)) + b"\n")
        console.print(f"boards: {json_path}", highlight=False)
    return 0


def write_template(path: Path) -> None:
    """Copies the template to `path`, which must be a .toml file that is not there. Raises UserError."""
    if path.suffix != ".toml":
        raise UserError(f"'{path}' does not end in .toml, by which tinyprop knows a board's file: name it so.")
    if path.exists():
        raise UserError(f"'{path}' is there already and was not touched: name another file, or remove it.")
    write_whole(path, TEMPLATE.read_bytes())


def table(boards: list[Board]) -> Table:
    """A row per board."""
    made = Table(title="Boards", title_justify="left", box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for column in ("name", "core", "MHz", "RAM KiB", "flash KiB", "runs in", "sourced", "board"):
        amount = column in ("MHz", "RAM KiB", "flash KiB")
        # A name is typed again: never cut.
        made.add_column(column, justify="right" if amount else "left", no_wrap=column != "board", overflow="fold")
    for board in boards:
        sizes = (f"{board.ram.bytes // 1024:,}", f"{board.flash.bytes // 1024:,}")
        letters = "".join(word[0].upper() for word in sourced(board))
        clock = f"{board.clock_hz / 1e6:.0f}"
        made.add_row(board.name, board.cpu, clock, *sizes, board.emulator.kind, letters, board.title)
    return made


def sourced(board: Board) -> tuple[str, ...]:
    """Which of time, energy and write have figures."""
    has = {"time": bool(board.timing), "energy": board.power is not None, "write": board.flash.write is not None}
    return tuple(word for word, there in has.items() if there)
