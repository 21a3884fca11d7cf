"""A board in the Unicorn emulator: its real memory map, exact instruction counts, semihosting as the two streams."""

import mmap
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from unicorn import (
    UC_HOOK_INTR,
    UC_HOOK_MEM_INVALID,
    UC_MEM_FETCH_PROT,
    UC_MEM_FETCH_UNMAPPED,
    UC_MEM_WRITE_PROT,
    UC_MEM_WRITE_UNMAPPED,
    UC_PROT_EXEC,
    UC_PROT_READ,
    UC_PROT_WRITE,
    Uc,
    UcError,
)

from tinyprop.targets.block_counter import BlockCounter
from tinyprop.targets.firmware import Firmware
from tinyprop.targets.histogram import Executed, Histogram
from tinyprop.targets.machine import DeviceFault, Machine
from tinyprop.targets.unicorn_core import core_of

PAGE = 4096
SYSTEM_CONTROL = 0xE000_E000  # CPACR, which the startup code of cores with an FPU sets, is here
DWT = 0xE000_1000  # its cycle counter shows the instruction count, to cores that have no DWT unit too
SYS_OPEN, SYS_WRITE, SYS_READ, SYS_SEEK, SYS_EXIT = 0x01, 0x05, 0x06, 0x0A, 0x18
OPEN_TO_READ, OPEN_TO_CHANGE = 1, 3
HANDLE_IN, HANDLE_OUT, HANDLE_FILE = 1, 2, 3
NEVER = 0xFFFF_FFFE  # an address that no run comes to: runs end by a trap, a fault or the timeout
WRITES = (UC_MEM_WRITE_PROT, UC_MEM_WRITE_UNMAPPED)
FETCHES = (UC_MEM_FETCH_PROT, UC_MEM_FETCH_UNMAPPED)


class UnicornMachine(Machine):
    """`firmware` from power-up on. timeout_s: real seconds that one exchange may take before it counts as hung.

    file: what the firmware may read and change in place, as if it were a flash; it outlives the machine.
    """

    def __init__(
        self,
        firmware: Firmware,
        timeout_s: float = 120.0,
        native_counter: bool = True,
        file: bytearray | None = None,
    ) -> None:
        self._file, self._file_at = bytearray() if file is None else file, 0
        board = firmware.board
        self._core = core_of(board)
        self._firmware = firmware
        self._timeout_us = int(timeout_s * 1_000_000)
        self._commands = bytearray()
        self._answers = bytearray()
        self._waiting: tuple[int, int] | None = None  # (address, bytes) of a read that found no commands
        self._fault = ""  # what a hook found wrong before it stopped the emulator
        self._emulator: Any = Uc(self._core.architecture, self._core.mode)
        self._emulator.ctl_set_cpu_model(self._core.model)
        code = self._map_memory()
        long = self._core.long_instruction
        functions = firmware.function_numbers(len(code) // 2)
        counted = (code, board.flash.origin, long, self._clock, functions)
        self.counter = BlockCounter(self._emulator, *counted, native_counter)
        self._training, self._inference = self.counter.new_histogram(), self.counter.new_histogram()
        self.counter.fill(self._training)
        self._emulator.hook_add(UC_HOOK_INTR, self._on_exception)
        self._emulator.hook_add(UC_HOOK_MEM_INVALID, self._on_invalid_access)
        self._emulator.reg_write(self._core.sp, board.ram.end)
        self._next_address = firmware.entry

    def _exchange(self, command: bytes, answer_bytes: int) -> bytes:
        self._commands += command
        self._run()
        if len(self._answers) != answer_bytes:
            raise DeviceFault(f"the emulated board answered {len(self._answers)} bytes in place of {answer_bytes}.")
        answer, self._answers = bytes(self._answers), bytearray()
        return answer

    def talk(self, received: bytes) -> bytes:
        """What the firmware sends when these bytes have come, until it waits for more. Raises DeviceFault."""
        self._commands += received
        self._run()
        answer, self._answers = bytes(self._answers), bytearray()
        return answer

    def close(self) -> None:
        self._stopped = self._stopped or "it was closed"
        self._emulator = None  # its hooks refer to this object: nothing else would end the circle soon

    def instructions_by_function(self) -> dict[str, int]:
        """Instructions of all training steps, the harness left out, largest first."""
        totals: dict[str, int] = defaultdict(int)
        executed = self.trained()
        for address, times in zip(executed.address.tolist(), executed.times.tolist(), strict=True):
            totals[self._firmware.function_at(address)] += times
        return dict(sorted(totals.items(), key=lambda item: (-item[1], item[0])))

    def instructions_by_caller(self) -> dict[str, int]:
        """The same; what the compiler's own functions execute, arithmetic say, counts for those that call them."""
        counts = self._training.of_function[1:].tolist()
        start, end = self._firmware.harness
        totals: dict[str, int] = defaultdict(int)
        for (address, _, name), count in zip(self._firmware.symbols, counts, strict=False):
            if count and not start <= address < end:
                totals[name] += count
        return dict(sorted(totals.items(), key=lambda item: (-item[1], item[0])))

    def trained(self) -> Executed:
        """What all training steps executed, by instruction, the harness left out."""
        return self._outside_harness(self._training)

    def inferred(self) -> Executed:
        """The same of all exchanges made while `counts_inference`."""
        return self._outside_harness(self._inference)

    @contextmanager
    def counts_inference(self) -> Iterator[None]:
        """Within it, what is measured counts as inference and not as training."""
        self.counter.fill(self._inference)
        try:
            yield
        finally:
            self.counter.fill(self._training)

    def _outside_harness(self, histogram: Histogram) -> Executed:
        executed = self.counter.executed(histogram)
        start, end = self._firmware.harness
        return executed.rows((executed.address < start) | (executed.address >= end))

    def _map_memory(self) -> bytes:
        """Flash R+X, RAM R+W up to the last variable and from the stack limit, system pages. Returns the flash.

        Where data is read through a window of its own, the flash is X in one place and R in the other.
        """
        board = self._firmware.board
        image = self._firmware.flash_image
        flash = image.ljust(_pages(len(image)), b"\0")
        windows: dict[int, int] = defaultdict(int)
        windows[board.flash.origin] |= UC_PROT_EXEC
        windows[board.flash.origin + board.flash.read_offset] |= UC_PROT_READ
        for start, allowed in windows.items():
            self._emulator.mem_map(start, board.flash.bytes, allowed)
            self._emulator.mem_write(start, flash)
        for start, size in self._ram_areas():
            self._emulator.mem_map(start, size, UC_PROT_READ | UC_PROT_WRITE)
        self._emulator.mem_map(SYSTEM_CONTROL, PAGE, UC_PROT_READ | UC_PROT_WRITE)
        self._clock_page = mmap.mmap(-1, PAGE)  # memory of ours that the firmware sees as the DWT unit
        self._clock = np.frombuffer(self._clock_page, dtype="<u4")
        self._emulator.mem_map_ptr(DWT, PAGE, UC_PROT_READ | UC_PROT_WRITE, self._clock.ctypes.data)
        return flash

    def _ram_areas(self) -> list[tuple[int, int]]:
        """(address, bytes): what is between variables and stack stays unmapped, so that strays are caught."""
        board = self._firmware.board
        variables = _pages(self._firmware.ram_end - board.ram.origin + self._firmware.scratch_bytes)
        stack = _pages(board.stack_bytes)
        if variables + stack >= board.ram.bytes:
            return [(board.ram.origin, board.ram.bytes)]
        return [(board.ram.origin, variables), (board.ram.end - stack, stack)]

    def _run(self) -> None:
        """Until the firmware wants a command that is not there."""
        if self._waiting is not None:
            address, size = self._waiting
            self._waiting = None
            self._deliver(address, size)
        while self._waiting is None:
            self._run_to_trap()
            self._semihost(self._register(self._core.operation), self._register(self._core.argument))

    def _run_to_trap(self) -> None:
        """Until the firmware makes a semihosting call. Unicorn counts the trap of some cores as an error."""
        ending = f"the emulated board did not answer in {self._timeout_us / 1e6:g} s"
        start = self._next_address | self._core.address_mark
        try:
            self._emulator.emu_start(start, NEVER, timeout=self._timeout_us)
        except UcError as error:
            ending = f"the emulated board stopped: {error}"
        if not self._at_trap():
            raise DeviceFault(self._fault or self._place(ending))
        self._next_address = self._register(self._core.pc) + len(self._core.trap)

    def _at_trap(self) -> bool:
        pc, trap = self._register(self._core.pc), self._core.trap
        try:
            return bytes(self._emulator.mem_read(pc, len(trap))) == trap
        except UcError:
            return False

    def _register(self, number: int) -> int:
        return int(self._emulator.reg_read(number))

    def _place(self, what: str) -> str:
        pc = self._register(self._core.pc)
        return f"{what} at pc {pc:#010x} in {self._firmware.function_at(pc)}."

    def _on_invalid_access(self, _uc: Uc, access: int, address: int, size: int, _value: int, _user: object) -> bool:
        kind = "write to" if access in WRITES else "jump to" if access in FETCHES else "read from"
        board = self._firmware.board
        self._fault = self._place(
            f"the firmware made a {size}-byte {kind} {address:#010x}, which is neither flash nor used RAM of "
            f"{board.title}" + (" (the stack overflowed)" if self._is_below_stack(address) else "")
        )
        return False

    def _is_below_stack(self, address: int) -> bool:
        board = self._firmware.board
        return board.ram.end - 2 * board.stack_bytes <= address < board.ram.end - board.stack_bytes

    def _on_exception(self, uc: Uc, number: int, _user: object) -> None:
        if not self._at_trap():
            self._fault = self._place(f"processor exception {number}")
        uc.emu_stop()

    def _semihost(self, operation: int, argument: int) -> None:
        uc = self._emulator
        if operation == SYS_EXIT:
            raise DeviceFault(f"the firmware ended by itself with code {argument:#x}.")
        first, second, third = np.frombuffer(uc.mem_read(argument, 12), dtype="<u4").tolist()
        if operation == SYS_OPEN:
            handles = {OPEN_TO_READ: HANDLE_IN, OPEN_TO_CHANGE: HANDLE_FILE}
            self._answer(handles.get(second, HANDLE_OUT))
        elif first == HANDLE_FILE:
            self._answer(self._change_file(operation, second, third))
        elif operation == SYS_WRITE:
            self._answers += uc.mem_read(second, third)
            self._answer(0)
        elif operation == SYS_READ and self._commands:
            self._deliver(second, third)
        elif operation == SYS_READ:
            self._waiting = (second, third)
        else:
            raise DeviceFault(self._place(f"unknown semihosting call {operation:#x} on {first:#x}"))

    def _change_file(self, operation: int, address: int, size: int) -> int:
        """Bytes that were not read or written; of a seek, whose second word is the place, 0."""
        if operation == SYS_SEEK:
            self._file_at = address
            return 0
        start, end = self._file_at, min(self._file_at + size, len(self._file))
        if operation == SYS_WRITE:
            self._file[start:end] = self._emulator.mem_read(address, end - start)
        else:
            self._emulator.mem_write(address, bytes(self._file[start:end]))
        self._file_at = end
        return size - (end - start)

    def _deliver(self, address: int, size: int) -> None:
        part = bytes(self._commands[:size])
        del self._commands[: len(part)]
        self._emulator.mem_write(address, part)
        self._answer(size - len(part))

    def _answer(self, word: int) -> None:
        self._emulator.reg_write(self._core.operation, word)


def _pages(size: int) -> int:
    return -(-size // PAGE) * PAGE
