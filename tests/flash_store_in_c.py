"""A store with its values in flash: C on the emulated flash, beside or without its twin."""

import ctypes
from pathlib import Path

import numpy as np

from store_in_c import ENGINE, Both, InC, compiled
from tinyprop import SampleStore
from tinyprop.targets.firmware import C_FOLDER

ERR_FLASH = -24
COUNTS = ("erased", "unreadable", "violations", "operations", "is_off")
STORE = "tp_flash_store.c"
SOURCES = ("tp_buffer.c", "tp_crc32.c")


def flash_library(folder: Path, changed: str | None = None) -> ctypes.CDLL:
    """The store, the emulated flash and calls between them; `changed` in place of tp_flash_store.c."""
    store = ENGINE / "src" / STORE
    if changed is not None:
        store = folder / STORE
        store.write_text(changed)
    device = Path(__file__).with_name("flash_store_device.c").read_text(encoding="utf-8")
    sources = [store, *(ENGINE / "src" / name for name in SOURCES), C_FOLDER / "emulated_flash.c"]
    library = compiled(folder, device, sources, [f"-I{C_FOLDER}"])
    for name in ("device_new", "device_bytes"):
        getattr(library, name).restype = ctypes.c_void_p
    for name in ("device_count", "ram_bytes"):
        getattr(library, name).restype = ctypes.c_uint32
    return library


class Device:
    """An emulated flash that a store of the settings of `twin` has room in; full of what was there before."""

    def __init__(self, library: ctypes.CDLL, twin: SampleStore) -> None:
        flash, plan = twin.settings.flash, twin.settings.shelves
        self.library, self.size = library, plan.bytes
        numbers = (plan.bytes, flash.block_bytes, flash.unit_bytes, int(flash.erases), plan.shelves, flash.identity)
        self.handle = ctypes.c_void_p(library.device_new(*map(ctypes.c_uint32, numbers)))

    def __del__(self) -> None:
        self.library.device_free(self.handle)

    def copy_from(self, other: "Device") -> None:
        self.library.device_copy(self.handle, other.handle)

    def cut(self, at: int, kind: int, draw: int) -> None:
        self.library.device_cut(self.handle, ctypes.c_uint32(at), ctypes.c_int(kind), ctypes.c_uint32(draw))

    def power_on(self) -> None:
        self.library.device_power_on(self.handle)

    def count(self, name: str) -> int:
        return self.library.device_count(self.handle, ctypes.c_uint32(COUNTS.index(name)))

    @property
    def bytes(self) -> np.ndarray:
        place = self.library.device_bytes(self.handle)
        return np.ctypeslib.as_array(ctypes.cast(place, ctypes.POINTER(ctypes.c_uint8)), (self.size,))


class InFlash(InC):
    """The store in C on `device`; `opened` is what opening it said."""

    def __init__(self, library: ctypes.CDLL, twin: SampleStore, device: Device) -> None:
        self.device, self.opened = device, 0
        super().__init__(library, twin)

    def init(self, memory: np.ndarray, size: int) -> int:
        place = ctypes.c_void_p(memory.ctypes.data)
        arguments = (ctypes.byref(self.buffer), ctypes.byref(self.settings), place, ctypes.c_size_t(size))
        self.opened = self.library.device_open(self.device.handle, *arguments)
        return min(self.opened, 0)


class BothInFlash(Both):
    """The twins with their values in flash; what lies there is compared at every call."""

    def __init__(self, library: ctypes.CDLL, twin: SampleStore) -> None:
        self.arguments = {name: getattr(twin.settings, name) for name in ("capacity", "input_shape", "classes")}
        self.arguments |= {
            name: getattr(twin.settings, name) for name in ("bits", "low", "high", "seed", "longest_sleep", "flash")
        }
        self.library, self.device = library, Device(library, twin)
        self.open()

    def open(self) -> None:
        """As after a loss of power: nothing is left but the flash."""
        self.twin = SampleStore(**self.arguments, image=self.device.bytes.tobytes())
        self.in_c = InFlash(self.library, self.twin, self.device)
        assert self.in_c.opened == len(self.twin)
        self.assert_same_state()

    def assert_same_state(self) -> None:
        super().assert_same_state()
        assert self.device.bytes.tobytes() == self.twin.image
        assert self.device.count("erased") == self.twin.erased
        assert self.device.count("violations") == 0
