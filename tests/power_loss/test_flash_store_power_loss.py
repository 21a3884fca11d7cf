"""Power cut at every operation of the flash while a store takes samples: each is whole, old or new, or missing."""

import ctypes
from pathlib import Path

import numpy as np
import pytest

from flash_store_in_c import ERR_FLASH, STORE, Device, InFlash, flash_library
from store_in_c import ENGINE, NOT_STORED, ROUND_OVER
from tinyprop import SampleStore, StoreFlash
from tinyprop.bench.power_loss.config import AFTER, BEFORE, CUTS, REFUSED, REORDERED, TORN, WEAK, Cut

CAPACITY, CLASSES, VALUES = 6, 2, 3
BEFORE_CUT, CUT_DURING = 20, 30  # samples offered: until the store is full and has replaced some; while power may go
FLASHES = {
    "NOR 128 B / 4 B": StoreFlash(128, 4),
    "NOR 64 B / 8 B, fewest shelves": StoreFlash(64, 8, shelves=7),
    "NOR 16 B / 1 B, shelves of several blocks": StoreFlash(16, 1),
    "QSPI 256 B / 64 B": StoreFlash(256, 64, shelves=3),
    "EEPROM 32 B": StoreFlash(32, 32, erases=False),
    "FRAM 4 B": StoreFlash(4, 4, erases=False),
}


def sample(number: int) -> tuple[np.ndarray, int]:
    """The values and the class of sample `number` of the stream; two bits of them stay erased."""
    return np.array([number, -number, number + 0.5], np.float32), number * 5 // 3 % CLASSES


class Run:
    """A device that takes samples, and by slot what it may hold after a cut: numbers of samples."""

    def __init__(self, library: ctypes.CDLL, flash: StoreFlash) -> None:
        self.library = library
        self.twin = SampleStore(CAPACITY, VALUES, CLASSES, seed=3, flash=flash)
        self.device, self.ready = Device(library, self.twin), Device(library, self.twin)
        self.holds: dict[int, int] = {}
        self.store = self.opened()

    def opened(self) -> InFlash:
        """As after a loss of power: nothing is left but the flash."""
        return InFlash(self.library, self.twin, self.device)

    def offer(self, number: int) -> int:
        slot = self.store.offer(*sample(number))
        if slot >= 0:
            self.holds[slot] = number
        return slot

    def offer_until_cut(self, first: int, count: int) -> int | None:
        """The sample at which power went; None: it did not."""
        for number in range(first, first + count):
            if self.offer(number) == ERR_FLASH:
                return number
        return None

    def found(self) -> dict[int, int]:
        """By slot the number of the sample that a round hands out. Raises AssertionError for what is none."""
        found = {}
        while (taken := self.store.next_awake()) != ROUND_OVER:
            slot, x, y = taken
            number = int(x[0])
            assert (x.tolist(), y) == (sample(number)[0].tolist(), sample(number)[1]), f"slot {slot} holds a mixture"
            found[slot] = number
        return found


def check_after_cut(run: Run, cut_at: int, may_miss: bool) -> None:
    """What is found is what was there, or in one slot the sample that was on its way; nothing else is missing."""
    assert run.store.opened == run.store.state.filled
    found = run.found()
    newer = {slot for slot in found if found[slot] != run.holds.get(slot)}
    assert all(found[slot] == cut_at for slot in newer), "a sample that nobody offered, or one that was replaced"
    assert len(newer) <= 1
    if not may_miss:
        assert set(run.holds) <= set(found), "a sample is lost"
        assert run.store.opened == len(found)
    assert run.device.count("violations") == 0
    run.holds = found


def go_on(run: Run, first: int) -> None:
    """The store takes further samples, and after one more start holds them all."""
    slots = [run.offer(number) for number in range(first, first + 12)]
    assert all(slot >= 0 or slot == NOT_STORED for slot in slots)
    run.store = run.opened()
    assert run.found() == run.holds
    assert run.device.count("violations") == 0


def cut_everywhere(library: ctypes.CDLL, flash: StoreFlash, cut: Cut, offered: int) -> int:
    """Cuts power at each operation while samples `offered` and on are taken; returns how often."""
    run = Run(library, flash)
    assert run.offer_until_cut(0, offered) is None
    run.ready.copy_from(run.device)
    held, tried = dict(run.holds), 0
    for draw in range(1, cut.draws + 1):
        at = 0
        while True:
            run.device.copy_from(run.ready)
            run.store, run.holds = run.opened(), dict(held)
            run.device.cut(at, cut.number, 1000 * draw + at)
            number = run.offer_until_cut(100, CUT_DURING)
            if number is None:
                break
            run.device.power_on()
            run.store = run.opened()
            check_after_cut(run, number, cut is WEAK)
            if cut is not WEAK:
                go_on(run, 200)
            at += 1
        tried += at
    return tried


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return flash_library(tmp_path_factory.mktemp("flash_store"))


@pytest.mark.parametrize("cut", CUTS, ids=lambda cut: cut.name)
@pytest.mark.parametrize("name", FLASHES)
def test_a_cut_leaves_each_sample_old_or_new(library: ctypes.CDLL, name: str, cut: Cut) -> None:
    assert cut_everywhere(library, FLASHES[name], cut, BEFORE_CUT) > 3 * cut.draws


@pytest.mark.parametrize("cut", CUTS, ids=lambda cut: cut.name)
@pytest.mark.parametrize("name", FLASHES)
def test_a_cut_while_the_first_samples_of_all_are_taken(library: ctypes.CDLL, name: str, cut: Cut) -> None:
    assert cut_everywhere(library, FLASHES[name], cut, 0) > 6 * cut.draws


@pytest.mark.parametrize("second", [TORN, REFUSED, REORDERED], ids=lambda cut: cut.name)
@pytest.mark.parametrize("first", [BEFORE, AFTER, TORN, REFUSED, REORDERED], ids=lambda cut: cut.name)
def test_two_cuts_one_after_the_other(library: ctypes.CDLL, first: Cut, second: Cut) -> None:
    """At each operation of a sample, then at each of the sample that comes after it."""
    run = Run(library, StoreFlash(64, 8, shelves=7))
    assert run.offer_until_cut(0, BEFORE_CUT) is None
    run.ready.copy_from(run.device)
    held, between, at, tried = dict(run.holds), Device(library, run.twin), 0, 0
    while True:
        run.device.copy_from(run.ready)
        run.store, run.holds = run.opened(), dict(held)
        run.device.cut(at, first.number, at + 1)
        number = run.offer_until_cut(100, 3)
        if number is None:
            break
        run.device.power_on()
        run.store = run.opened()
        check_after_cut(run, number, False)
        between.copy_from(run.device)
        after_first, then = dict(run.holds), 0
        while True:
            run.device.copy_from(between)
            run.store, run.holds = run.opened(), dict(after_first)
            run.device.cut(then, second.number, then + 7)
            number = run.offer_until_cut(110, 3)
            if number is None:
                break
            run.device.power_on()
            run.store = run.opened()
            check_after_cut(run, number, False)
            go_on(run, 200)
            then += 1
            tried += 1
        at += 1
    assert tried > at * 3


BREAKS = {
    "no CRC": (
        (("return crc == tp_word(header, RECORD_CRC);", "return crc != 1U;"),),
        "NOR 128 B / 4 B",
        TORN,
    ),
    "the head goes first": (
        (
            (
                "if (!erase_shelf(store, shelf) || !copy_group",
                "if (!erase_shelf(store, shelf) || !write_head(store, shelf, group) || !copy_group",
            ),
            ("slot, label, x) || !write_head(store, shelf, group)) {", "slot, label, x)) {"),
        ),
        "NOR 64 B / 8 B, fewest shelves",
        AFTER,
    ),
    "the shelf that counts is erased": (
        (
            (
                "shelf = spare_shelf(store);",
                "own = number_in(store->shelf_of, group), shelf = own == TP_NOWHERE ? spare_shelf(store) : own;",
            ),
        ),
        "NOR 64 B / 8 B, fewest shelves",
        AFTER,
    ),
    "what reads as erased is written after a start": (
        (("put_number(store->used, group, plan.places);", "put_number(store->used, group, plan.places - 1U);"),),
        "NOR 128 B / 4 B",
        TORN,
    ),
    "the earlier of two shelves counts": (
        (("return a - b < UINT32_MAX / 2U;", "return a - b >= UINT32_MAX / 2U;"),),
        "NOR 64 B / 8 B, fewest shelves",
        AFTER,
    ),
    "no sync before the head": (
        (("    return tp_flash_sync(store->settings->flash) && holds_slot", "    return holds_slot"),),
        "NOR 16 B / 1 B, shelves of several blocks",
        REORDERED,
    ),
    "a shelf that cannot be read stops the search": (
        (
            (
                "        if (is_head != 1) {\n",
                "        if (is_head < 0) {\n            return 0;\n        }\n        if (is_head != 1) {\n",
            ),
        ),
        "NOR 64 B / 8 B, fewest shelves",
        REFUSED,
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_store_is_found(tmp_path: Path, name: str) -> None:
    changes, flash, cut = BREAKS[name]
    text = (ENGINE / "src" / STORE).read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    with pytest.raises(AssertionError):
        cut_everywhere(flash_library(tmp_path, text), FLASHES[flash], cut, BEFORE_CUT)
