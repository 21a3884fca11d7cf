"""A host engine beside a flash that is written in Python: what tests call tp_save, tp_load and the guard through."""

import ctypes

import numpy as np

from tinyprop.surface import Trainer

OK, NONE, ERR_FLASH, ERR_SETTINGS = 0, -32, -31, -30
ERR_NULL, ERR_NONFINITE, ERR_NOT_READY = -1, -4, -6
READ = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_uint32)
ERASE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32)
SYNC = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)


class CFlash(ctypes.Structure):
    _fields_ = (
        ("context", ctypes.c_void_p),
        ("block_bytes", ctypes.c_uint32),
        ("unit_bytes", ctypes.c_uint32),
        ("read", READ),
        ("program", READ),
        ("erase", ERASE),
        ("sync", SYNC),
    )


class CCheckpoint(ctypes.Structure):
    _fields_ = (
        ("flash", ctypes.POINTER(CFlash)),
        ("offset", ctypes.c_uint32),
        ("slots", ctypes.c_uint32),
        ("extra", ctypes.c_void_p),
        ("extra_bytes", ctypes.c_uint32),
    )


class CSlots(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint32) for name in ("newest", "next", "next_is_whole", "sequence", "steps"))


class Device:
    """An engine on this machine with a flash of its own. fail: the callback that fails; programmed: bytes, counted."""

    def __init__(
        self, trainer: Trainer, block: int = 128, unit: int = 4, slots: int = 2, offset: int = 256, extra: int = 0
    ) -> None:
        self.engine = trainer.build("host")
        self.library = self.engine._library
        self.image = bytearray(np.random.default_rng(1).bytes(offset + 32 * 1024))
        self.fail, self.programmed, self.erased = "", 0, []
        self.extra = (ctypes.c_uint8 * max(1, extra))(*range(1, extra + 1))
        self.flash = CFlash(
            None, block, unit, READ(self._read), READ(self._program), ERASE(self._erase), SYNC(self._sync)
        )
        where = ctypes.cast(self.extra, ctypes.c_void_p) if extra else None
        self.settings = CCheckpoint(ctypes.pointer(self.flash), offset, slots, where, extra)
        for name in ("tp_checkpoint_bytes", "tp_slot_bytes"):
            getattr(self.library, name).restype = ctypes.c_uint32

    def _read(self, context, offset, to, count):
        if self.fail == "read" or offset + count > len(self.image):
            return 1
        ctypes.memmove(to, bytes(self.image[offset : offset + count]), count)
        return 0

    def _program(self, context, offset, source, count):
        assert offset % self.flash.unit_bytes == count % self.flash.unit_bytes == 0
        if self.fail == "program":
            return 1
        self.image[offset : offset + count] = ctypes.string_at(source, count)
        self.programmed += count
        return 0

    def _erase(self, context, offset):
        assert offset % self.flash.block_bytes == 0
        if self.fail == "erase":
            return 1
        self.image[offset : offset + self.flash.block_bytes] = b"\xff" * self.flash.block_bytes
        self.erased.append(offset)
        return 0

    def _sync(self, context):
        return int(self.fail == "sync")

    @property
    def program(self):
        return ctypes.c_void_p(self.engine._program)

    def save(self, steps: int = 0) -> int:
        return self.library.tp_save(ctypes.byref(self.settings), self.engine._handle(), ctypes.c_uint32(steps))

    def load(self) -> tuple[int, int]:
        steps = ctypes.c_uint32(0xDEAD)
        return self.library.tp_load(
            ctypes.byref(self.settings), self.engine._handle(), ctypes.byref(steps)
        ), steps.value

    def slots(self) -> tuple[int, CSlots]:
        found = CSlots()
        return self.library.tp_find_slots(ctypes.byref(self.settings), self.program, ctypes.byref(found)), found

    def learn(self, n: int = 8, seed: int = 0) -> np.ndarray:
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((n, *self.engine.input_shape)).astype(np.float32)
        return self.engine.fit(x, rng.integers(0, 5, n), lr=0.05, progress=False).loss


GUARD_COUNTS = ("steps", "skipped", "refused", "looks", "right", "best", "saves", "failures", "rollbacks", "nonfinite")


class CGuardSettings(ctypes.Structure):
    _fields_ = (
        ("samples", ctypes.c_void_p),
        ("labels", ctypes.c_void_p),
        *((name, ctypes.c_uint32) for name in ("count", "every", "margin", "looks_per_save")),
    )


class CGuard(ctypes.Structure):
    _fields_ = (
        ("settings", ctypes.POINTER(CGuardSettings)),
        ("checkpoint", ctypes.POINTER(CCheckpoint)),
        ("model", ctypes.c_void_p),
        ("steps", ctypes.c_uint32),
        ("counts", ctypes.c_uint32 * len(GUARD_COUNTS)),
    )
