"""The store of samples in C beside its twin, on this machine: what tests of stores in RAM and in flash call."""

import ctypes
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import tinyprop.errors
from tinyprop import SampleStore
from tinyprop.targets.toolchain import WARNINGS

ENGINE = Path(tinyprop.errors.__file__).parent / "engine"
FLAGS = ["-std=c99", "-O2", *WARNINGS, "-ffp-contract=off", "-fPIC", "-shared", f"-I{ENGINE / 'include'}"]
TRAPS = ["-fsanitize=undefined,float-cast-overflow", "-fsanitize-undefined-trap-on-error"]
NOT_STORED, ROUND_OVER = -22, -23
FORMAT = {32: 4, 8: 1}
GUARD = 0xA5  # around the store's memory


class CSettings(ctypes.Structure):
    """tp_buffer_settings."""

    _fields_ = (
        *((name, ctypes.c_uint32) for name in ("capacity", "features", "classes", "format")),
        *((name, ctypes.c_float) for name in ("low", "high")),
        *((name, ctypes.c_uint32) for name in ("longest_sleep", "seed")),
    )


class CState(ctypes.Structure):
    """tp_buffer_state."""

    _fields_ = tuple(
        (name, ctypes.c_uint32) for name in ("filled", "position", "stride", "left", "drawn", "visits", "slept")
    )


class CBuffer(ctypes.Structure):
    """tp_buffer."""

    _fields_ = (("settings", ctypes.POINTER(CSettings)), ("state", ctypes.POINTER(CState)), ("values", ctypes.c_void_p))


class InC:
    """The store in C, in memory of its own between guards; answers as the twin does."""

    def __init__(self, library: ctypes.CDLL, twin: SampleStore) -> None:
        s = twin.settings
        self.library, self.shape, self.features = library, s.input_shape, s.features
        self.settings = CSettings(
            s.capacity, s.features, s.classes, FORMAT[s.bits], s.low, s.high, s.longest_sleep, s.seed
        )
        self.whole = np.full(s.bytes + 16, GUARD, np.uint8)
        self.memory = self.whole[8:-8]
        self.buffer = CBuffer()
        assert self.init(self.memory, s.bytes) == 0

    def init(self, memory: np.ndarray, size: int) -> int:
        place = ctypes.c_void_p(memory.ctypes.data)
        arguments = (ctypes.byref(self.buffer), ctypes.byref(self.settings), place, ctypes.c_size_t(size))
        return self.library.tp_buffer_init(*arguments)

    def offer(self, x: np.ndarray, y: int) -> int:
        x = np.ascontiguousarray(x, np.float32)
        return self.library.tp_buffer_offer(
            ctypes.byref(self.buffer), ctypes.c_void_p(x.ctypes.data), ctypes.c_uint32(y)
        )

    def next_awake(self) -> tuple[int, np.ndarray, int] | int:
        x, y = np.full(self.features + 1, np.nan, np.float32), ctypes.c_uint32()
        slot = self.library.tp_buffer_next(ctypes.byref(self.buffer), ctypes.c_void_p(x.ctypes.data), ctypes.byref(y))
        assert np.isnan(x[-1])
        return slot if slot < 0 else (slot, x[:-1].reshape(self.shape), y.value)

    def told(self, slot: int, skipped: bool) -> int:
        return self.library.tp_buffer_told(ctypes.byref(self.buffer), ctypes.c_uint32(slot), ctypes.c_int(skipped))

    @property
    def state(self) -> CState:
        return self.buffer.state.contents

    def counts(self) -> tuple[list[int], list[int]]:
        """Seen and stored, where the header says they lie."""
        words, classes = self.memory[ctypes.sizeof(CState) :].view(np.uint32), self.settings.classes
        return words[:classes].tolist(), words[classes : 2 * classes].tolist()

    def assert_within_its_memory(self) -> None:
        assert (self.whole[:8] == GUARD).all()
        assert (self.whole[-8:] == GUARD).all()


def compiled(folder: Path, asked: str, sources: Sequence[Path], flags: Sequence[str] = ()) -> ctypes.CDLL:
    """`sources` and the C text `asked` for this machine; whatever is undefined ends the tests."""
    (folder / "asked.c").write_text(asked)
    gcc = shutil.which("gcc")
    compiler = [gcc, *TRAPS] if gcc else [sys.executable, "-m", "ziglang", "cc"]
    subprocess.run([*compiler, *FLAGS, *flags, folder / "asked.c", *sources, "-o", folder / "store.so"], check=True)
    return ctypes.CDLL(str(folder / "store.so"))


def bits(x: np.ndarray) -> list[int]:
    return np.ascontiguousarray(x, np.float32).view(np.uint32).reshape(-1).tolist()


class Both:
    """The twins, asked the same; every answer is compared."""

    def __init__(self, library: ctypes.CDLL, *arguments: Any, **settings: Any) -> None:
        self.twin = SampleStore(*arguments, **settings)
        self.in_c = InC(library, self.twin)

    def offer(self, x: np.ndarray, y: int) -> int | None:
        slot = self.twin.offer(x, y)
        assert self.in_c.offer(x, y) == (NOT_STORED if slot is None else slot)
        self.assert_same_state()
        return slot

    def next_awake(self) -> tuple[int, np.ndarray, int] | None:
        taken, in_c = self.twin.next_awake(), self.in_c.next_awake()
        if taken is None:
            assert in_c == ROUND_OVER
        else:
            assert (in_c[0], in_c[2]) == (taken[0], taken[2])
            assert bits(in_c[1]) == bits(taken[1])
        self.assert_same_state()
        return taken

    def told(self, slot: int, skipped: bool) -> None:
        self.twin.told(slot, skipped)
        assert self.in_c.told(slot, skipped) == 0
        self.assert_same_state()

    def assert_same_state(self) -> None:
        state, twin = self.in_c.state, self.twin
        assert (state.filled, state.visits, state.slept) == (len(twin), twin.visits, twin.slept)
        assert state.drawn == twin._draws.state
        assert self.in_c.counts() == (twin.seen.tolist(), twin.stored.tolist())
