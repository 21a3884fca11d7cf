"""A host engine that speaks the protocol of tp_link.h over a line in memory, on which anything may be done to bytes."""

import ctypes
from collections.abc import Callable

from flash_in_python import CCheckpoint, Device
from tinyprop.surface import Trainer

COUNTS = ("frames", "damaged", "repeated", "rejected", "steps", "skipped", "refused")
FRAME_BYTES = 278


class CLink(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("model", "sample", "truth")),
        ("checkpoint", ctypes.POINTER(CCheckpoint)),
        ("guard", ctypes.c_void_p),
        ("steps", ctypes.c_uint32),
        ("counts", ctypes.c_uint32 * len(COUNTS)),
        ("ready", ctypes.c_void_p),
        ("slot", ctypes.c_uint32),
        ("pushed", ctypes.c_uint32),
        *((name, ctypes.c_uint16) for name in ("session", "received", "answered")),
        ("number", ctypes.c_uint8),
        ("type", ctypes.c_uint8),
        ("overflowed", ctypes.c_uint8),
        ("in_", ctypes.c_uint8 * FRAME_BYTES),
        ("out", ctypes.c_uint8 * FRAME_BYTES),
        ("rejection", ctypes.c_uint8 * 16),
    )


class LinkedDevice(Device):
    """A device with a line to it; `take` is what its firmware does with bytes that come."""

    def __init__(self, trainer: Trainer, **geometry: int) -> None:
        super().__init__(trainer, **geometry)
        facts = self.engine.facts
        self.sample = (ctypes.c_float * facts.inputs)()
        self.truth = (ctypes.c_float * facts.outputs)()
        self.library.tp_link_take.restype = ctypes.c_uint32
        self.start()

    def start(self, guard: object = None) -> int:
        """The firmware starts, as after a reset; weights stay where they are."""
        self.link = CLink()
        return self.start_with(self.link, guard)

    def start_with(self, link: CLink, guard: object = None) -> int:
        """What tp_link_init answers."""
        places = (ctypes.byref(link), self.engine._handle(), self.sample, self.truth)
        return self.library.tp_link_init(*places, ctypes.byref(self.settings), guard)

    def start_anew(self) -> None:
        """Initial weights as well, and nothing in the buffers."""
        self.engine.reset()
        ctypes.memset(self.sample, 0, ctypes.sizeof(self.sample))
        ctypes.memset(self.truth, 0, ctypes.sizeof(self.truth))
        self.start()

    def take(self, received: bytes) -> bytes:
        sent = bytearray()
        for byte in received:
            count = self.library.tp_link_take(ctypes.byref(self.link), ctypes.c_uint8(byte))
            sent += ctypes.string_at(self.link.ready, count) if count else b""
        return bytes(sent)

    @property
    def counts(self) -> dict[str, int]:
        return dict(zip(COUNTS, self.link.counts, strict=True))


class MemoryPort:
    """A serial port whose other end is `take`; `there` and `back` do to the bytes what the line does to them. now: its
    clock, which only silence moves."""

    def __init__(
        self,
        take: Callable[[bytes], bytes],
        there: Callable[[bytes], bytes] = bytes,
        back: Callable[[bytes], bytes] = bytes,
    ) -> None:
        self._take, self._there, self._back = take, there, back
        self._waiting = bytearray()
        self.sent = self.came = self.now = 0

    @property
    def in_waiting(self) -> int:
        return len(self._waiting)

    def write(self, content: bytes) -> None:
        self.sent += len(content)
        answer = self._take(self._there(content))
        self.came += len(answer)
        self._waiting += self._back(answer)

    def read(self, count: int) -> bytes:
        self.now += not self._waiting
        part = bytes(self._waiting[:count])
        del self._waiting[: len(part)]
        return part

    def close(self) -> None:
        pass


FAULTS = {
    "lost": lambda content, at: content[:at] + content[at + 1 :],
    "twice": lambda content, at: content[: at + 1] + content[at : at + 1] + content[at + 1 :],
    "turned": lambda content, at: content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :],
    "zeroed": lambda content, at: content[:at] + b"\0" + content[at + 1 :],
    "cut off": lambda content, at: content[:at],
    "frame twice": lambda content, at: content + content,
    "frame lost": lambda content, at: b"",
}


def fault_at(place: int, fault: str) -> Callable[[bytes], bytes]:
    """A line on which this one thing happens, at byte number `place` of all that go over it."""
    passed = 0

    def line(content: bytes) -> bytes:
        nonlocal passed
        at, passed = place - passed, passed + len(content)
        return FAULTS[fault](content, at) if 0 <= at < len(content) else content

    return line
