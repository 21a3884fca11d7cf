"""A board in an emulator at the end of a line: with a pseudo-terminal it is a serial port like any other."""

import os
import select
import threading
import tty
from typing import Self

from tinyprop.checkpoint.format import HEADER
from tinyprop.codegen.source_tree import SourceTree
from tinyprop.codegen.state import StateLayout
from tinyprop.targets import Board
from tinyprop.targets.firmware import LINE, build_firmware
from tinyprop.targets.machine import DeviceFault
from tinyprop.targets.qemu_machine import QemuMachine
from tinyprop.targets.unicorn_machine import UnicornMachine

BLOCK_BYTES, SLOTS = 4096, 2  # of the flash, as line.c has them


class EmulatedDevice:
    """The network of `tree` on `board`, as firmware that speaks the protocol. `flash` outlives its resets.

    push: whether it takes checkpoints from the host. Raises UserError where the network does not fit, or a tool is
    missing.
    """

    def __init__(self, tree: SourceTree, layout: StateLayout, board: Board, *, push: bool = False) -> None:
        clock = board.emulator.clock
        defines = ("TP_LINK_PUSH=1",) if push else ()
        self.firmware = build_firmware(tree, board, clock, harness=LINE, defines=defines)
        slot = -(-(HEADER.size + 4 * layout.words) // BLOCK_BYTES) * BLOCK_BYTES
        self.flash = bytearray(b"\xff" * SLOTS * slot)
        self._machine = self._power_on()

    def talk(self, received: bytes) -> bytes:
        """What the device sends when these bytes have come. Raises DeviceFault where its firmware fails."""
        return self._machine.talk(received)

    def reset(self) -> None:
        """Power off and on: RAM is lost, the flash is as it was."""
        self._machine.close()
        self._machine = self._power_on()

    def close(self) -> None:
        """Power off."""
        self._machine.close()

    def _power_on(self) -> UnicornMachine | QemuMachine:
        if self.firmware.board.emulator.kind == "unicorn":
            return UnicornMachine(self.firmware, file=self.flash)
        return QemuMachine(self.firmware, file=self.flash)


class PseudoTerminal:
    """A serial port of this machine, `path`, with `device` at its other end, until it is closed.

    A fault of the device ends it: `fault` says why.
    """

    def __init__(self, device: EmulatedDevice) -> None:
        self._device = device
        self.fault: DeviceFault | None = None
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        self.path = os.ttyname(self._theirs)
        self._wake, self._ended = os.pipe()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the device still answers."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Takes the port away; the device stays as it is."""
        os.write(self._ended, b"x")
        self._thread.join()
        for descriptor in (self._ours, self._theirs, self._wake, self._ended):
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _serve(self) -> None:
        while True:
            readable, _, _ = select.select([self._ours, self._wake], [], [])
            if self._wake in readable:
                return
            try:
                answer = self._device.talk(os.read(self._ours, 4096))
            except DeviceFault as fault:
                self.fault = fault
                return
            while answer:
                answer = answer[os.write(self._ours, answer) :]
