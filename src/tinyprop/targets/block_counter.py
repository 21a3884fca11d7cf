"""Exact instruction counts of an emulated run: a C hook called at each basic block, or the same in Python."""

import ctypes
import functools
from pathlib import Path
from typing import Any

import numpy as np
from unicorn import UC_HOOK_BLOCK, Uc
from unicorn.unicorn_py3 import unicorn as binding

from tinyprop.codegen.source_tree import SourceTree
from tinyprop.errors import TinypropError
from tinyprop.targets.compilation import compile_tree, link
from tinyprop.targets.histogram import Executed, Histogram, LongInstruction
from tinyprop.targets.toolchain import host_compiler

SOURCE = Path(__file__).parent / "c" / "block_counter.c"
PROFILING = 1 << 12


class _Counter(ctypes.Structure):
    """block_counter of block_counter.c."""

    _fields_ = [
        ("executed", ctypes.c_uint64),
        ("origin", ctypes.c_uint64),
        ("halfwords", ctypes.c_uint64),
        ("behind", ctypes.c_uint64),
        ("long_mask", ctypes.c_uint16),
        ("long_at_least", ctypes.c_uint16),
        ("code", ctypes.c_void_p),
        ("block_bytes", ctypes.c_void_p),
        ("block_length", ctypes.c_void_p),
        ("entered", ctypes.c_void_p),
        ("left", ctypes.c_void_p),
        ("followed", ctypes.c_void_p),
        ("function_of", ctypes.c_void_p),
        ("of_function", ctypes.c_void_p),
        ("function", ctypes.c_uint64),
        ("clock", ctypes.c_void_p),
    ]


class BlockCounter:
    """Counts what `emulator` executes of `code`, which lies at `origin`.

    long_instruction: how the two lengths of instructions are told apart.
    clock: uint32 words that the firmware sees: it sets PROFILING in word 0 while blocks are to be counted one by one,
    and reads the count of all instructions in word 1.
    function_of (halfwords,) uint16: the number of the function at each address, 0 for one that works for its callers.
    native=False takes the Python hook, ten times slower; so does a machine where the C hook cannot be built.
    """

    def __init__(
        self,
        emulator: Uc,
        code: bytes,
        origin: int,
        long_instruction: LongInstruction,
        clock: np.ndarray,
        function_of: np.ndarray,
        native: bool = True,
    ) -> None:
        self._code = np.frombuffer(code, dtype="<u2")
        self._origin = origin
        self._long = long_instruction
        self._clock = clock
        self._function_of = function_of
        hook = _native_hook() if native else None
        self.native = hook is not None
        self._histogram = self.new_histogram()
        if hook is None:
            self._lengths: dict[tuple[int, int], int] = {}
            self._executed = self._behind = self._function = 0
            emulator.hook_add(UC_HOOK_BLOCK, self._on_block)
        else:
            self._add_native(emulator, hook)

    def new_histogram(self) -> Histogram:
        """An empty one for this code."""
        return Histogram(len(self._code), int(self._function_of.max(initial=0)))

    def fill(self, histogram: Histogram) -> None:
        """From now on, what is executed while profiling is counted there."""
        self._histogram = histogram
        if self.native:
            counter = self._counter
            counter.entered, counter.left, counter.followed, counter.of_function = _pointers(histogram)

    def executed(self, histogram: Histogram) -> Executed:
        """What `histogram` counted, by instruction."""
        return histogram.executed(self._code, self._origin, self._long)

    def _add_native(self, emulator: Uc, hook: Any) -> None:
        self._block_bytes = np.zeros(len(self._code), dtype=np.uint16)
        self._block_length = np.zeros(len(self._code), dtype=np.uint16)
        code = (array.ctypes.data for array in (self._code, self._block_bytes, self._block_length))
        numbers = (0, self._origin, len(self._code), 0, *self._long)
        *counts, of_function = _pointers(self._histogram)
        functions = (self._function_of.ctypes.data, of_function, 0)
        self._counter = _Counter(*numbers, *code, *counts, *functions, self._clock.ctypes.data)
        handle = ctypes.c_size_t()
        status = binding.uclib.uc_hook_add(
            emulator._uch,
            ctypes.byref(handle),
            UC_HOOK_BLOCK,
            ctypes.cast(hook, ctypes.c_void_p),
            ctypes.cast(ctypes.byref(self._counter), ctypes.c_void_p),
            ctypes.c_uint64(1),
            ctypes.c_uint64(0),
        )
        if status != 0:
            raise RuntimeError(f"unicorn refused the block hook with code {status}")

    def _on_block(self, _emulator: Uc, address: int, size: int, _user: object) -> None:
        first = (address - self._origin) // 2
        if not 0 <= first < len(self._code):
            return
        length = self._lengths.get((address, size))
        if length is None:
            halfwords = self._code[first : first + size // 2]
            length = self._lengths[address, size] = _instructions(halfwords, self._long)
        self._executed += length
        self._function = int(self._function_of[first]) or self._function
        behind = first + size // 2
        if self._clock[0] & PROFILING and behind <= len(self._code):
            self._histogram.entered[first] += np.uint64(1)
            self._histogram.left[behind] += np.uint64(1)
            self._histogram.of_function[self._function] += np.uint64(length)
            self._histogram.followed[first] += np.uint64(self._behind == first)
        self._behind = behind
        self._clock[1] = self._executed & 0xFFFF_FFFF


def _pointers(histogram: Histogram) -> tuple[int, int, int, int]:
    counts = (histogram.entered, histogram.left, histogram.followed, histogram.of_function)
    entered, left, followed, of_function = (count.ctypes.data for count in counts)
    return entered, left, followed, of_function


def _instructions(halfwords: np.ndarray, long: LongInstruction) -> int:
    """How many instructions a block is."""
    index = count = 0
    while index < len(halfwords):
        index += 2 if int(halfwords[index]) & long.mask >= long.at_least else 1
        count += 1
    return count


@functools.cache
def _native_hook() -> Any | None:
    """The compiled hook, or None where it cannot be built or loaded."""
    tree = SourceTree(SOURCE.stem, {SOURCE.name: SOURCE.read_text(encoding="utf-8")}, (SOURCE.name,), ())
    try:
        compiler = host_compiler()
        library = ctypes.CDLL(str(link(compile_tree(tree, compiler), compiler, ".so")))
        return library.block_counter_hook
    except (TinypropError, OSError):
        return None
