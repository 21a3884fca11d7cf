"""From a SourceTree to an engine, by the name of the target."""

from pathlib import Path

from tinyprop.codegen.source_tree import SourceTree
from tinyprop.errors import UserError, unknown_name
from tinyprop.targets.board import board_names, load_board
from tinyprop.targets.emulated import EmulatedEngine
from tinyprop.targets.engine import Engine
from tinyprop.targets.host import HostEngine
from tinyprop.targets.progress import spinner
from tinyprop.targets.qemu import QemuEngine


def build(
    tree: SourceTree,
    input_shape: tuple[int, ...],
    target: str | Path,
    toolchain: str = "zig",
    optimise: str | None = None,
) -> Engine:
    """Compiles `tree` for "host", a board's name or a board's .toml file, and starts it.

    optimise None: -O2 for zig, -O3 for gcc. Raises UserError for an unknown target or toolchain, a missing tool, and
    a network that does not fit.
    """
    if not isinstance(target, str | Path):
        raise UserError(f"target is {target!r}: pass \"host\", a board's name or the path of a board's .toml file.")
    if optimise is not None and not optimise.startswith("-"):
        raise UserError(f"optimise is '{optimise}', which is no compiler flag: pass one such as '-O3'.")
    target = str(target)
    if target == "host":
        with spinner(f"compiling {tree.name} for this machine"):
            return HostEngine(tree, input_shape, toolchain, optimise)
    if not target.endswith(".toml") and target not in board_names():
        raise unknown_name("target", target, ("host", *board_names()))
    board = load_board(target)
    engine = EmulatedEngine if board.emulator.kind == "unicorn" else QemuEngine
    with spinner(f"compiling {tree.name} for {board.title}"):
        return engine(tree, input_shape, board, toolchain, optimise)
