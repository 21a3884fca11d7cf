"""A board in QEMU: the second, independent emulator. Its semihosting files are two named pipes."""

import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from tinyprop.errors import UserError
from tinyprop.targets.firmware import Firmware
from tinyprop.targets.machine import DeviceFault, Machine

QEMU = "qemu-system-arm"
MOMENT_S = 0.05
# One instruction per nanosecond of emulated time: that is what makes its timers count instructions.
OPTIONS = ("-nographic", "-monitor", "none", "-serial", "none", "-icount", "shift=0")
SEMIHOSTING = ("-semihosting-config", "enable=on,target=native")


class QemuMachine(Machine):
    """`firmware` from power-up on. timeout_s: real seconds that one exchange may take before it counts as hung.

    file: what the firmware may read and change in place, as if it were a flash; it outlives the machine.
    Raises UserError when QEMU is missing or does not know the board.
    """

    def __init__(self, firmware: Firmware, timeout_s: float = 120.0, file: bytearray | None = None) -> None:
        self._timeout_s = timeout_s
        self._file = bytearray() if file is None else file
        self._folder = tempfile.TemporaryDirectory(prefix="tinyprop-qemu-")
        place = Path(self._folder.name)
        for name in ("commands", "results"):
            os.mkfifo(place / name)
        (place / "flash").write_bytes(self._file)
        self._said = (place / "said").open("w+", encoding="utf-8")
        self._process = subprocess.Popen(
            qemu_command(firmware), cwd=place, stdin=subprocess.DEVNULL, stdout=self._said, stderr=self._said
        )
        self._answers = os.open(place / "results", os.O_RDONLY | os.O_NONBLOCK)
        self._commands = self._connect(place / "commands")

    def _exchange(self, command: bytes, answer_bytes: int) -> bytes:
        deadline = time.monotonic() + self._timeout_s
        self._send(command)
        answer = bytearray()
        while len(answer) < answer_bytes:
            readable, _, _ = select.select([self._answers], [], [], max(0.0, deadline - time.monotonic()))
            if not readable:
                raise DeviceFault(f"the board in QEMU did not answer in {self._timeout_s:g} s.")
            part = os.read(self._answers, answer_bytes - len(answer))
            if not part:
                raise self._ended()
            answer += part
        return bytes(answer)

    def talk(self, received: bytes) -> bytes:
        """What the firmware has sent by now, or sends within a moment of these bytes. Raises DeviceFault."""
        if received:
            self._send(received)
        answer = bytearray()
        while select.select([self._answers], [], [], MOMENT_S)[0]:
            part = os.read(self._answers, 65536)
            if not part:
                raise self._ended()
            answer += part
        return bytes(answer)

    def close(self) -> None:
        self._stopped = self._stopped or "it was closed"
        if self._said.closed:
            return
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._file[:] = Path(self._folder.name, "flash").read_bytes()
        for descriptor in (self._answers, self._commands):
            if descriptor >= 0:
                os.close(descriptor)
        self._said.close()
        self._folder.cleanup()

    def _connect(self, pipe: Path) -> int:
        """Opens the commands for writing, which works as soon as the firmware has opened them for reading."""
        deadline = time.monotonic() + self._timeout_s
        self._commands = -1
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                descriptor = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                time.sleep(0.005)
                continue
            os.set_blocking(descriptor, True)
            return descriptor
        fault = self._ended()
        self.close()
        raise fault

    def _send(self, command: bytes) -> None:
        view = memoryview(command)
        try:
            while view:
                view = view[os.write(self._commands, view) :]
        except BrokenPipeError as error:
            raise self._ended() from error

    def _ended(self) -> DeviceFault:
        self._said.seek(0)
        words = self._said.read().strip() or "the firmware ran into a processor fault"
        return DeviceFault(f"the board in QEMU ended by itself: {words}.")


def qemu_command(firmware: Firmware) -> list[str]:
    """The command line. Raises UserError when QEMU is missing or does not know the board."""
    machine = firmware.board.emulator.machine
    if not machine:
        raise UserError(f"QEMU does not know {firmware.board.title}: take 'mps2-an386', or the Unicorn emulator.")
    if shutil.which(QEMU) is None:
        raise UserError(f"the emulator {QEMU} was not found: install the package qemu-system-arm, or take 'nano33ble'.")
    return [QEMU, "-M", machine, *OPTIONS, *SEMIHOSTING, "-kernel", str(firmware.path)]
