"""OnShelves: tp_flash_store.c in Python, byte for byte; docs/sample-store.md has every byte."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from tinyprop.errors import UserError
from tinyprop.store.flash import RECORD_BYTES, ShelfPlan, StoreFlash

MAGIC = 0x53425054  # TP_FLASH_STORE_MAGIC
HEAD = struct.Struct("<IIII")  # magic, sequence, group, CRC
RECORD = struct.Struct("<IIIII")  # slot, label, seen, drawn, CRC
CRC = struct.Struct("<I")
WORD = 2**32
Image = bytes  # a flash's, all shelves; a name for where `bytes` is a count
LATER = WORD // 2 - 1  # is_later: ahead by less than that


@dataclass(frozen=True)
class Record:
    """A sample as it is found: when it was put there, `seen` of its class had been offered."""

    slot: int
    label: int
    seen: int
    drawn: int
    values: bytes


class OnShelves:
    """The values of a store's samples in a flash that is an array of bytes.

    image: what is in the flash, ShelfPlan.bytes of it; None: it is erased. what: the settings that both sides must
    share, as 32-bit words. erased: shelves erased so far; unreadable: reads of samples that were not whole.
    """

    def __init__(
        self, flash: StoreFlash, plan: ShelfPlan, what: tuple[int, ...], value_bytes: int, image: bytes | None
    ) -> None:
        if image is not None and len(image) != plan.bytes:
            raise UserError(f"image has {len(image):,} bytes: pass all {plan.bytes:,} of the shelves.")
        self.image = bytearray(b"\xff" * plan.bytes if image is None else image)
        self.erased = self.unreadable = 0
        self._erases, self._plan, self._value_bytes = flash.erases, plan, value_bytes
        words = (flash.identity, *what, plan.shelf, plan.record, plan.group)
        self._identity = crc32(struct.pack(f"<{len(words)}I", *words))
        self._sequence, self._last = 0, plan.shelves - 1
        self._shelf_of: dict[int, int] = {}  # by group
        self._place_of: dict[int, int] = {}  # by slot
        self._used = np.full(plan.groups, plan.places)
        self._find_shelves()

    def recall(self) -> Iterator[Record]:
        """Every whole sample on a shelf that counts, in the order in which the later of a slot comes last."""
        for group, shelf in sorted(self._shelf_of.items()):
            for place in range(self._plan.places):
                record = self._record(self._at(shelf, place))
                if record is not None and record.slot // self._plan.group == group:
                    self._place_of[record.slot] = place
                    yield record

    def put(self, slot: int, label: int, seen: int, drawn: int, values: bytes) -> None:
        """Writes a sample to the next free place of its group's shelf, or moves the group to the spare shelf."""
        header = struct.pack("<4I", slot, label, seen, drawn)
        record = header + CRC.pack(crc32(header + values, self._identity)) + values
        group = slot // self._plan.group
        place = int(self._used[group])
        if place == self._plan.places:
            self._move(group, slot, record)
            return
        self._used[group] += 1
        self._program(self._at(self._shelf_of[group], place), record)
        self._place_of[slot] = place

    def get(self, slot: int) -> bytes | None:
        """The values of a slot; None where they are not whole."""
        found = self._current(slot) if slot in self._place_of else None
        if found is None:
            self.unreadable += 1
        return None if found is None else found.values

    def _move(self, group: int, slot: int, record: bytes) -> None:
        plan, shelf = self._plan, (self._last + 1) % self._plan.shelves
        while shelf in self._shelf_of.values():
            shelf = (shelf + 1) % plan.shelves
        self._last = shelf
        self._erase(shelf)
        kept: list[int] = []
        for other in range(group * plan.group, (group + 1) * plan.group):
            if other == slot or other not in self._place_of:
                continue
            if self._current(other) is None:
                del self._place_of[other]
                continue
            start = self._at(self._shelf_of[group], self._place_of[other])
            self._program(self._at(shelf, len(kept)), bytes(self.image[start : start + plan.record]))
            kept.append(other)
        self._program(self._at(shelf, len(kept)), record)
        kept.append(slot)
        self._sequence = (self._sequence + 1) % WORD
        head = struct.pack("<III", MAGIC, self._sequence, group)
        self._program(shelf * plan.shelf, head + CRC.pack(crc32(head, self._identity)), plan.head)
        self._shelf_of[group] = shelf
        self._used[group] = len(kept)
        self._place_of.update({other: place for place, other in enumerate(kept)})

    def _find_shelves(self) -> None:
        sequences: dict[int, int] = {}
        newest: int | None = None
        for shelf in range(self._plan.shelves):
            magic, sequence, group, crc = HEAD.unpack_from(self.image, shelf * self._plan.shelf)
            head = struct.pack("<III", magic, sequence, group)
            if magic != MAGIC or crc != crc32(head, self._identity) or group >= self._plan.groups:
                continue
            if group not in self._shelf_of or _is_later(sequence, sequences[group]):
                self._shelf_of[group], sequences[group] = shelf, sequence
            if newest is None or _is_later(sequence, newest):
                newest, self._sequence, self._last = sequence, sequence, shelf

    def _current(self, slot: int) -> Record | None:
        record = self._record(self._at(self._shelf_of[slot // self._plan.group], self._place_of[slot]))
        return record if record is not None and record.slot == slot else None

    def _record(self, start: int) -> Record | None:
        slot, label, seen, drawn, crc = RECORD.unpack_from(self.image, start)
        values = bytes(self.image[start + RECORD_BYTES : start + RECORD_BYTES + self._value_bytes])
        whole = crc == crc32(struct.pack("<4I", slot, label, seen, drawn) + values, self._identity)
        return Record(slot, label, seen, drawn, values) if whole else None

    def _at(self, shelf: int, place: int) -> int:
        return shelf * self._plan.shelf + self._plan.head + place * self._plan.record

    def _program(self, start: int, content: bytes, size: int | None = None) -> None:
        size = self._plan.record if size is None else size
        self.image[start : start + size] = content.ljust(size, b"\xff")

    def _erase(self, shelf: int) -> None:
        self.erased += 1
        if self._erases:
            self.image[shelf * self._plan.shelf : (shelf + 1) * self._plan.shelf] = b"\xff" * self._plan.shelf


def _is_later(a: int, b: int) -> bool:
    """Numbers wrap: the later of two is ahead by less than half of all there are."""
    return (a - b) % WORD < LATER
