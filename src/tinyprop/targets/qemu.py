"""QemuEngine: the same firmware on a board in QEMU, as a second opinion on weights and counts."""

from tinyprop.codegen.source_tree import SourceTree
from tinyprop.targets.board import Board
from tinyprop.targets.device import DeviceEngine
from tinyprop.targets.firmware import build_firmware
from tinyprop.targets.qemu_machine import QemuMachine


class QemuEngine(DeviceEngine):
    """The network of `tree` on `board`. Instruction counts come from a timer of 31 or 40 instructions' resolution.

    timeout_s: real seconds that 64 steps may take. Raises UserError when the network does not fit, a tool is missing,
    or QEMU does not know the board.
    """

    def __init__(
        self,
        tree: SourceTree,
        input_shape: tuple[int, ...],
        board: Board,
        toolchain: str = "zig",
        optimise: str | None = None,
        timeout_s: float = 120.0,
    ) -> None:
        super().__init__(
            build_firmware(tree, board, board.emulator.timer, toolchain, optimise),
            input_shape,
            lambda firmware: QemuMachine(firmware, timeout_s),
        )
