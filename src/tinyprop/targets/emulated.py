"""EmulatedEngine: the network as firmware on a board in the Unicorn emulator."""

import numpy as np

from tinyprop.codegen.source_tree import SourceTree
from tinyprop.targets.board import Board
from tinyprop.targets.cycles import estimated_cycles, load_timing
from tinyprop.targets.device import DeviceEngine
from tinyprop.targets.firmware import Firmware, build_firmware
from tinyprop.targets.histogram import Executed
from tinyprop.targets.unicorn_machine import UnicornMachine


class EmulatedEngine(DeviceEngine):
    """The network of `tree` on `board`, one life from power-up to `close`; instruction counts are exact.

    timeout_s: real seconds that 64 steps may take. native_counter=False counts in Python, ten times slower.
    Raises UserError when the network does not fit, or a tool is missing.
    """

    def __init__(
        self,
        tree: SourceTree,
        input_shape: tuple[int, ...],
        board: Board,
        toolchain: str = "zig",
        optimise: str | None = None,
        timeout_s: float = 120.0,
        native_counter: bool = True,
    ) -> None:
        def power_on(firmware: Firmware) -> UnicornMachine:
            self._emulator = UnicornMachine(firmware, timeout_s, native_counter)
            return self._emulator

        super().__init__(build_firmware(tree, board, "dwt", toolchain, optimise), input_shape, power_on)

    def instructions_by_function(self) -> dict[str, int]:
        """Instructions of all training steps since power-up, by the C function they were executed in, largest first."""
        return self._emulator.instructions_by_function()

    def instructions_by_caller(self) -> dict[str, int]:
        """The same; what the compiler's own functions execute, arithmetic say, counts for those that call them."""
        return self._emulator.instructions_by_caller()

    def training_cycles(self) -> int | None:
        """Estimated cycles of all training steps since power-up; None where the board's core has no timing table.

        The estimate is a sum over the instructions that were really executed, of what the core's maker says each
        costs, in memory without wait states. Raises InternalError where the table does not know an instruction.
        """
        return self._cycles(self._emulator.trained())

    def inference_cycles(self) -> int | None:
        """The same of all inferences since power-up."""
        return self._cycles(self._emulator.inferred())

    def _cycles(self, executed: Executed) -> int | None:
        board = self.firmware.board
        if not board.timing:
            return None
        return estimated_cycles(executed, self.firmware.flash_image, board.flash.origin, load_timing(board.timing))

    def _infer_rows(self, samples: np.ndarray) -> np.ndarray:
        with self._emulator.counts_inference():
            return super()._infer_rows(samples)
