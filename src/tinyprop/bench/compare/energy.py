"""Energy of cycles, on boards whose makers say what they draw."""

from collections.abc import Mapping

from tinyprop.targets import board_names, load_board


def millijoules(cycles: float, core: str, ram_bytes: int) -> Mapping[str, float]:
    """Of so many cycles, by board: those with that core, a current with its source, and RAM for a plan of ram_bytes.

    core: name of a timing table. The current is that of the chip while its core computes; memory with wait states
    takes more cycles than the table says.
    """
    boards = [load_board(name) for name in board_names()]
    return {
        board.name: board.power.millijoules(cycles)
        for board in boards
        if board.power is not None and board.timing == core != "" and ram_bytes + board.stack_bytes <= board.ram.bytes
    }
