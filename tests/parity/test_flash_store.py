"""A store with its values in flash keeps the samples that it would keep in RAM; C and its twin write the same bytes."""

import ctypes
import shutil
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flash_store_in_c import ERR_FLASH, BothInFlash, Device, InFlash, flash_library
from store_in_c import NOT_STORED, ROUND_OVER, bits
from store_sequence import SETTINGS, expected_hash, on_board
from tinyprop import SampleStore, StoreFlash
from tinyprop.store.settings import StoreSettings

ERR_MEMORY, ERR_NOT_READY, ERR_SETTINGS = -2, -6, -20
FLASHES = (
    StoreFlash(128, 4),
    StoreFlash(128, 1),
    StoreFlash(256, 8),
    StoreFlash(64, 64),
    StoreFlash(1024, 256),
    StoreFlash(32, 32, erases=False),
    StoreFlash(4, 4, erases=False),
    StoreFlash(1, 1, erases=False),
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return flash_library(tmp_path_factory.mktemp("flash_store"))


def with_shelves(flash: StoreFlash, more: int | None, capacity: int, value_bytes: int) -> StoreFlash:
    """As many shelves as it takes and `more`; None: as many as the plan chooses."""
    if more is None:
        return flash
    fewest = StoreSettings(capacity, (value_bytes,), 1, 8, flash=flash).shelves.fewest
    return StoreFlash(flash.block_bytes, flash.unit_bytes, fewest + more, flash.erases, flash.identity)


EVENTS = st.one_of(
    st.tuples(st.just("offer"), st.integers(0, 9)),
    st.tuples(st.just("offer"), st.integers(0, 1)),
    st.tuples(st.just("next"), st.booleans()),
    st.tuples(st.just("open"), st.none()),
)


@settings(deadline=None, derandomize=True, max_examples=400)
@given(
    capacity=st.integers(1, 12),
    shape=st.sampled_from([(1,), (3,), (2, 2), (70,), (300,)]),
    classes=st.sampled_from([1, 2, 3, 10, 257]),
    width=st.sampled_from([32, 8]),
    seed=st.integers(0, 2**32 - 1),
    flash=st.sampled_from(FLASHES),
    more=st.sampled_from([None, 0, 1, 3]),
    events=st.lists(EVENTS, max_size=60),
)
def test_any_sequence_of_calls_leaves_the_same_bytes(
    library: ctypes.CDLL,
    capacity: int,
    shape: tuple[int, ...],
    classes: int,
    width: int,
    seed: int,
    flash: StoreFlash,
    more: int | None,
    events: list[tuple[str, Any]],
) -> None:
    """Restarts included; until the first of them a store in RAM answers the same."""
    value_bytes = int(np.prod(shape)) * width // 8
    flash = with_shelves(flash, more, capacity, value_bytes)
    scale = {"bits": width, "low": -1, "high": 2, "seed": seed}
    both = BothInFlash(library, SampleStore(capacity, shape, classes, flash=flash, **scale))
    in_ram: SampleStore | None = SampleStore(capacity, shape, classes, **scale)
    random = np.random.default_rng(seed)
    for kind, value in events:
        if kind == "offer":
            x = random.uniform(-2, 3, shape).astype(np.float32)
            slot = both.offer(x, value * max(1, (classes - 1) // 9) % classes)
            assert in_ram is None or slot == in_ram.offer(x, value * max(1, (classes - 1) // 9) % classes)
        elif kind == "next":
            taken = both.next_awake()
            if in_ram is not None:
                other = in_ram.next_awake()
                assert (taken is None) == (other is None)
                assert taken is None or (taken[0], bits(taken[1])) == (other[0], bits(other[1]))
            if taken is not None:
                both.told(taken[0], value)
                if in_ram is not None:
                    in_ram.told(taken[0], value)
        else:
            before = both.twin.contents()
            both.open()
            in_ram = None
            after = both.twin.contents()
            assert bits(before[0]) == bits(after[0])
            assert before[1].tolist() == after[1].tolist()
    both.in_c.assert_within_its_memory()
    assert both.device.count("unreadable") == 0


def test_a_long_stream_is_kept_as_in_ram(library: ctypes.CDLL) -> None:
    """Through three restarts, after each of which the counts are a little behind, and the generator goes on."""
    flash = StoreFlash(512, 4)
    both = BothInFlash(library, SampleStore(100, 2, 5, seed=9, flash=flash))
    in_ram = SampleStore(100, 2, 5, seed=9)
    random = np.random.default_rng(1)
    stream = random.choice(5, 4000, p=[0.7, 0.2, 0.07, 0.02, 0.01])
    for number, label in enumerate(stream.tolist()):
        x = random.normal(size=2).astype(np.float32)
        slot = both.offer(x, label)
        if number < 1000:
            assert slot == in_ram.offer(x, label)
        if number in (1000, 2000, 3000):
            seen, drawn = both.twin.seen, both.twin._draws.state
            both.open()
            assert (both.twin.seen <= seen).all()
            assert (both.twin.seen >= 0.8 * seen).all()
            assert both.twin._draws.state != both.twin._draws.seed != drawn
    assert both.twin.stored.tolist() == in_ram_after(stream).stored.tolist()


def in_ram_after(stream: np.ndarray) -> SampleStore:
    store = SampleStore(100, 2, 5, seed=9)
    store.offer_all(np.zeros((len(stream), 2)), stream)
    return store


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    capacity=st.integers(1, 3000),
    features=st.integers(1, 300),
    classes=st.one_of(st.integers(255, 258), st.integers(1, 65_536)),
    width=st.sampled_from([32, 8]),
    flash=st.sampled_from(FLASHES),
)
def test_bytes_of_ram_are_those_of_the_macro(
    library: ctypes.CDLL, capacity: int, features: int, classes: int, width: int, flash: StoreFlash
) -> None:
    settings_ = StoreSettings(capacity, (features,), classes, width, flash=flash)
    assert settings_.bytes == library.ram_bytes(capacity, classes, settings_.shelves.shelves)
    assert settings_.flash_bytes % flash.block_bytes == 0


def test_a_sample_that_is_damaged_is_passed_by_until_another_takes_its_place(library: ctypes.CDLL) -> None:
    """In both twins, while they run, when its group moves, and after a start, which counts its slot as empty."""
    flash = StoreFlash(128, 4, shelves=7)
    both = BothInFlash(library, SampleStore(12, 3, 2, seed=2, flash=flash))
    for number in range(12):
        both.offer(np.full(3, number), number % 2)
    [at] = (i for i in range(0, both.device.size, 4) if both.twin.image[i : i + 12] == np.full(3, 5, "<f4").tobytes())
    both.device.bytes[at] ^= 1
    both.twin._values.image[at] ^= 1
    taken = []
    while (visited := both.next_awake()) is not None:
        taken.append(visited[0])
    assert sorted(taken) == [slot for slot in range(12) if slot != 5]
    assert both.device.count("unreadable") == both.twin._values.unreadable == 1
    assert len(both.twin) == 12  # it keeps its slot
    both.open()
    assert len(both.twin) == 11
    assert both.offer(np.full(3, 20), 1) == 5
    for number in range(60):  # groups move
        both.offer(np.full(3, 30 + number), number % 2)
    both.open()
    assert len(both.twin) == 12


def test_what_other_settings_wrote_is_not_found(library: ctypes.CDLL) -> None:
    flash = StoreFlash(128, 4, shelves=7)
    twin = SampleStore(12, 3, 2, bits=8, flash=flash)
    device = Device(library, twin)
    InFlash(library, twin, device).offer(np.zeros(3), 0)
    assert InFlash(library, twin, device).opened == 1
    image = device.bytes.tobytes()
    for other in (
        SampleStore(12, 3, 3, bits=8, flash=flash, image=image),
        SampleStore(12, 3, 2, bits=8, high=2, flash=flash, image=image),
        SampleStore(11, 3, 2, bits=8, flash=flash, image=image),
        SampleStore(12, 3, 2, bits=32, flash=flash, image=image),
    ):
        assert (InFlash(library, other, device).opened, len(other)) == (0, 0)
    kept = SampleStore(12, 3, 2, bits=8, flash=flash, seed=5, longest_sleep=3, image=image)
    assert (InFlash(library, kept, device).opened, len(kept)) == (1, 1)
    assert len(SampleStore(12, 3, 2, bits=8, flash=StoreFlash(128, 4, shelves=7, identity=1), image=image)) == 0


def test_mistakes_are_refused(library: ctypes.CDLL) -> None:
    twin = SampleStore(12, 3, 2, flash=StoreFlash(128, 4, shelves=7))
    device = Device(library, twin)
    c = InFlash(library, twin, device)
    assert c.init(c.memory, len(c.memory) - 1) == ERR_MEMORY
    assert c.init(c.whole[9:], len(c.memory)) == ERR_MEMORY
    for name, value in (("capacity", 1000), ("features", 2**30), ("format", 2), ("classes", 0), ("capacity", 0)):
        before = getattr(c.settings, name)
        setattr(c.settings, name, value)
        assert c.init(c.memory, 2**40) == ERR_SETTINGS
        setattr(c.settings, name, before)
    for wrong in (
        (0, 4, 7),
        (130, 4, 7),
        (128, 3, 7),
        (128, 512, 7),
        (128, 4, 1),
        (128, 4, 2**32 - 1),
        (128, 4, 2**20),
    ):
        assert library.planned(*map(ctypes.c_uint32, wrong)) == ERR_SETTINGS
    assert library.planned(*map(ctypes.c_uint32, (128, 4, 7))) == 0
    assert library.nothing_given() == 4


def test_a_flash_that_fails_leaves_the_samples_as_they_were(library: ctypes.CDLL) -> None:
    """Offers are refused, rounds end; when it works again, so does the store, with what it had."""
    twin = SampleStore(6, 3, 2, seed=1, flash=StoreFlash(128, 4, shelves=4))
    device = Device(library, twin)
    c = InFlash(library, twin, device)
    for number in range(6):
        assert c.offer(np.full(3, number), number % 2) == number
    device.cut(0, 0, 0)
    answers = {c.offer(np.full(3, 10 + number), number % 2) for number in range(40)}
    assert answers == {ERR_FLASH, NOT_STORED}
    assert c.next_awake() == ROUND_OVER
    device.power_on()
    held = [c.next_awake() for _ in range(7)]
    assert held.pop() == ROUND_OVER
    assert sorted((slot, x.tolist(), y) for slot, x, y in held) == [(n, [n] * 3, n % 2) for n in range(6)]
    assert c.offer(np.full(3, 99), 0) in (*range(6), NOT_STORED)


def test_a_flash_that_cannot_be_read_at_all_is_no_store(library: ctypes.CDLL) -> None:
    twin = SampleStore(6, 3, 2, seed=1, flash=StoreFlash(128, 4, shelves=4))
    device = Device(library, twin)
    c = InFlash(library, twin, device)
    device.cut(0, 0, 0)
    assert c.offer(np.zeros(3), 0) == ERR_FLASH
    assert c.init(c.memory, len(c.memory)) == ERR_FLASH
    assert c.offer(np.zeros(3), 0) == ERR_NOT_READY


# A flash of 24 blocks of 256 bytes in the board's RAM, units of four bytes; programming only clears bits, as it does.
BOARD_FLASH = StoreFlash(256, 4, shelves=24)
ON_BOARD = """\
#include "tp_flash_store.h"
#include <string.h>
static uint8_t flash_bytes[24U * 256U];
static int flash_read(void *context, uint32_t offset, void *to, uint32_t bytes)
{
    (void)context;
    memcpy(to, flash_bytes + offset, bytes);
    return 0;
}
static int flash_program(void *context, uint32_t offset, const void *from, uint32_t bytes)
{
    (void)context;
    for (uint32_t i = 0U; i < bytes; ++i) {
        flash_bytes[offset + i] &= ((const uint8_t *)from)[i];
    }
    return 0;
}
static int flash_erase(void *context, uint32_t offset)
{
    (void)context;
    memset(flash_bytes + offset, 0xFF, 256U);
    return 0;
}
static const tp_flash flash = {NULL, 256U, 4U, flash_read, flash_program, flash_erase, NULL};
"""
OPENED = """\
static const tp_flash_store_settings where = {&flash, 0U, 24U, 0U};
static uint32_t memory[TP_FLASH_STORE_BYTES(24U, 300U, 24U) / 4U];
static tp_flash_store shelves;
hash ^= (uint32_t)tp_flash_store_open(&shelves, &store, &settings, &where, memory, sizeof memory);
hash *= 0x01000193U;"""
BOARDS = [
    *(("nano33ble", toolchain, width) for toolchain in ("zig", "gcc") for width in (32, 8)),
    ("rp2040", "zig", 8),
    ("esp32c3", "zig", 32),
]


@pytest.mark.parametrize(("board", "toolchain", "width"), BOARDS)
def test_emulated_boards_keep_the_same_samples(board: str, toolchain: str, width: int) -> None:
    if toolchain == "gcc" and shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc not installed")
    twin = SampleStore(bits=width, flash=BOARD_FLASH, **SETTINGS)
    expected = expected_hash(twin)
    assert twin.erased > twin.settings.shelves.groups
    assert on_board(board, toolchain, width, ON_BOARD, OPENED, ["tp_buffer", "tp_flash_store", "tp_crc32"]) == expected
