"""The store of samples: NumPy and C keep, wake and return the same samples, decision by decision, host and board."""

import ctypes
import shutil
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store_in_c import ENGINE, FORMAT, NOT_STORED, ROUND_OVER, Both, CBuffer, CState, InC, bits, compiled
from store_sequence import IN_RAM, SETTINGS, expected_hash, on_board
from tinyprop import SampleStore
from tinyprop.store.settings import LONGEST_SLEEP, StoreSettings

ERR_NULL, ERR_MEMORY, ERR_LABEL, ERR_NONFINITE, ERR_NOT_READY = -1, -2, -3, -4, -6
ERR_SETTINGS, ERR_SLOT = -20, -21

# What a test asks of the compiler: the size as it computes it, and the codes of the header.
ASKED = """\
#include "tp_buffer.h"
uint32_t bytes_of(uint32_t capacity, uint32_t features, uint32_t classes, uint32_t format);
uint32_t bytes_of(uint32_t capacity, uint32_t features, uint32_t classes, uint32_t format)
{
    return (uint32_t)TP_BUFFER_BYTES(capacity, features, classes, format);
}
extern const int codes[];
const int codes[] = {TP_ERR_NULL, TP_ERR_MEMORY, TP_ERR_LABEL, TP_ERR_NONFINITE, TP_ERR_NOT_READY,
                     TP_BUFFER_ERR_SETTINGS, TP_BUFFER_ERR_SLOT, TP_BUFFER_NOT_STORED, TP_BUFFER_ROUND_OVER,
                     (int)TP_BUFFER_LONGEST_SLEEP, (int)sizeof(tp_buffer_state)};
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """tp_buffer.c for this machine; whatever is undefined ends the tests."""
    return compiled(tmp_path_factory.mktemp("store"), ASKED, [ENGINE / "src" / "tp_buffer.c"])


def test_header_and_twin_name_the_same_codes_and_sizes(library: ctypes.CDLL) -> None:
    codes = list((ctypes.c_int * 11).in_dll(library, "codes"))
    assert codes[:5] == [ERR_NULL, ERR_MEMORY, ERR_LABEL, ERR_NONFINITE, ERR_NOT_READY]
    assert codes[5:] == [ERR_SETTINGS, ERR_SLOT, NOT_STORED, ROUND_OVER, LONGEST_SLEEP, ctypes.sizeof(CState)]


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    capacity=st.integers(1, 3000),
    features=st.integers(1, 3000),
    classes=st.one_of(st.integers(255, 258), st.integers(1, 300), st.integers(1, 65_536)),
    width=st.sampled_from([32, 8]),
)
def test_bytes_are_those_of_the_macro(
    library: ctypes.CDLL, capacity: int, features: int, classes: int, width: int
) -> None:
    settings_ = StoreSettings(capacity, (features,), classes, width)
    assert settings_.bytes == library.bytes_of(capacity, features, classes, FORMAT[width])
    assert settings_.bytes % 4 == 0


# A stream with one class far more frequent than the others, as often as not.
EVENTS = st.one_of(
    st.tuples(st.just("offer"), st.integers(0, 9)),
    st.tuples(st.just("offer"), st.integers(0, 1)),
    st.tuples(st.just("next"), st.booleans()),
    st.tuples(st.just("round"), st.integers(0, 2**16 - 1)),
)


@settings(deadline=None, derandomize=True, max_examples=400)
@given(
    capacity=st.integers(1, 12),
    shape=st.sampled_from([(1,), (3,), (2, 2)]),
    classes=st.sampled_from([1, 2, 3, 10, 256, 257, 700]),
    width=st.sampled_from([32, 8]),
    seed=st.integers(0, 2**32 - 1),
    longest_sleep=st.integers(0, LONGEST_SLEEP),
    events=st.lists(EVENTS, max_size=60),
)
def test_any_sequence_of_calls_is_answered_alike(
    library: ctypes.CDLL,
    capacity: int,
    shape: tuple[int, ...],
    classes: int,
    width: int,
    seed: int,
    longest_sleep: int,
    events: list[tuple[str, int]],
) -> None:
    both = Both(library, capacity, shape, classes, bits=width, low=-1, high=2, seed=seed, longest_sleep=longest_sleep)
    random = np.random.default_rng(seed)
    for kind, value in events:
        if kind == "offer":
            # Labels beyond a byte too, where there are any.
            both.offer(random.uniform(-2, 3, shape).astype(np.float32), value * max(1, (classes - 1) // 9) % classes)
        elif kind == "next":
            taken = both.next_awake()
            if taken is not None:
                both.told(taken[0], bool(value))
        else:
            for _ in range(capacity + 1):  # a round ends by itself
                taken = both.next_awake()
                if taken is None:
                    break
                both.told(taken[0], bool(value >> taken[0] % 16 & 1))
            else:
                pytest.fail("a round never ended")
    both.in_c.assert_within_its_memory()


def test_a_long_stream_is_kept_alike(library: ctypes.CDLL) -> None:
    both = Both(library, 100, 2, 5, seed=9)
    random = np.random.default_rng(1)
    for label in random.choice(5, 4000, p=[0.7, 0.2, 0.07, 0.02, 0.01]):
        both.offer(random.normal(size=2).astype(np.float32), int(label))
    for _ in range(5):
        while (taken := both.next_awake()) is not None:
            both.told(taken[0], taken[0] % 3 == 0)
    assert both.twin.slept > 0


def test_one_slot_is_drawn_for_alike_up_to_many_samples(library: ctypes.CDLL) -> None:
    """Every bound of a draw from 2 to 3,000, and seeds at both ends."""
    for seed in (0, 2**32 - 5):
        both = Both(library, 1, 1, 1, seed=seed)
        slots = [both.offer(np.array([number], np.float32), 0) for number in range(3000)]
        assert 1 < slots.count(0) < 30


@pytest.mark.parametrize("ends", [(0.0, 1.0), (-3.0, 5.0), (-1e38, 1e38), (1e-30, 1e-29), (100.0, 101.0)])
def test_eight_bits_are_off_by_half_a_step_at_most(library: ctypes.CDLL, ends: tuple[float, float]) -> None:
    low, high = (np.float32(end) for end in ends)
    inside = np.linspace(low, high, 4001, dtype=np.float32).clip(low, high)
    x = np.concatenate([inside, np.array([low, high, -3e38, 3e38], np.float32)])
    both = Both(library, 1, x.size, 1, bits=8, low=float(low), high=float(high))
    both.offer(x, 0)
    _, back, _ = both.next_awake()
    rounding = 4 * np.spacing(max(abs(low), abs(high)))
    step = (np.float64(high) - np.float64(low)) / 255
    off = np.abs(np.float64(back) - np.float64(x))[: inside.size]
    assert off.max() <= step / 2 * (1 + 1e-5) + rounding
    assert off.max() > 0.4 * step
    assert np.abs(back[inside.size :] - np.array([low, high, low, high])).max() <= rounding
    assert np.unique(back).size == 256


def test_zeros_stay_zeros_where_low_is_zero(library: ctypes.CDLL) -> None:
    both = Both(library, 1, 3, 1, bits=8, low=0.0, high=1.0)
    both.offer(np.array([0.0, -0.0, 1e-9], np.float32), 0)
    assert bits(both.next_awake()[1]) == [0, 0, 0]


def test_float_samples_come_back_bit_by_bit(library: ctypes.CDLL) -> None:
    x = np.array([-0.0, 1e-45, 3.4e38, -1.1754944e-38, np.pi], np.float32)
    both = Both(library, 2, 5, 3)
    both.offer(x, 2)
    assert bits(both.next_awake()[1]) == bits(x)


def test_every_mistake_is_refused_and_changes_nothing(library: ctypes.CDLL) -> None:
    both = Both(library, 3, 2, 2)
    both.offer(np.zeros(2), 1)
    c, fine = both.in_c, np.zeros(2, np.float32)
    before = c.whole.copy()
    handle, null, x, y = (
        ctypes.byref(c.buffer),
        None,
        ctypes.c_void_p(fine.ctypes.data),
        ctypes.byref(ctypes.c_uint32()),
    )
    empty = ctypes.byref(CBuffer())
    assert c.offer(fine, 2) == ERR_LABEL
    assert c.offer(fine, 2**32 - 1) == ERR_LABEL
    for bad in (np.nan, np.inf, -np.inf):
        assert c.offer(np.array([0, bad]), 0) == ERR_NONFINITE
    assert c.told(1, True) == c.told(2**32 - 1, False) == ERR_SLOT
    assert library.tp_buffer_offer(null, x, 0) == library.tp_buffer_offer(handle, null, 0) == ERR_NULL
    assert library.tp_buffer_next(null, x, y) == library.tp_buffer_next(handle, null, y) == ERR_NULL
    assert library.tp_buffer_next(handle, x, null) == library.tp_buffer_told(null, 0, 0) == ERR_NULL
    assert library.tp_buffer_offer(empty, x, 0) == library.tp_buffer_told(empty, 0, 0) == ERR_NOT_READY
    assert library.tp_buffer_next(empty, x, y) == ERR_NOT_READY
    assert (c.whole == before).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"capacity": 0},
        {"features": 0},
        {"classes": 0},
        {"classes": 65_537},
        {"format": 2},
        {"longest_sleep": 16},
        {"low": 1.0},
        {"low": 2.0},
        {"low": -np.inf},
        {"low": np.nan},
        {"high": np.inf},
        {"low": -3e38, "high": 3e38},
        {"high": 1e-40},
        {"capacity": 2**31},
        {"capacity": 2**20, "features": 2**12},
        {"features": 2**32 - 1},
    ],
    ids=str,
)
def test_wrong_settings_are_refused(library: ctypes.CDLL, wrong: dict[str, Any]) -> None:
    c = InC(library, SampleStore(3, 2, 2, bits=8))
    before = c.whole.copy()
    for name, value in wrong.items():
        setattr(c.settings, name, value)
    assert c.init(c.memory, 2**40) == ERR_SETTINGS
    assert (c.whole == before).all()


def test_memory_too_small_or_misaligned_is_refused(library: ctypes.CDLL) -> None:
    c = InC(library, SampleStore(3, 2, 2, bits=8))
    needed = len(c.memory)
    before = c.whole.copy()
    assert c.init(c.memory, needed - 1) == ERR_MEMORY
    assert c.init(c.whole[9:], needed) == ERR_MEMORY
    nothing = (None, ctypes.byref(c.settings), None, ctypes.c_size_t(needed))
    assert library.tp_buffer_init(*nothing) == ERR_NULL
    assert (c.whole == before).all()


def test_a_copy_of_the_memory_is_a_checkpoint(library: ctypes.CDLL) -> None:
    """Restored over a store of the same settings it goes on as if nothing had happened."""
    both = Both(library, 7, 2, 3, seed=4)
    random = np.random.default_rng(0)
    for label in random.integers(0, 3, 40):
        both.offer(random.normal(size=2), int(label))
    both.told(both.next_awake()[0], True)
    restored = InC(library, SampleStore(7, 2, 3, seed=4))
    restored.memory[:] = both.in_c.memory
    both.in_c = restored
    for label in random.integers(0, 3, 40):
        both.offer(random.normal(size=2), int(label))
        both.next_awake()


BOARDS = [
    *(("nano33ble", toolchain, width) for toolchain in ("zig", "gcc") for width in (32, 8)),
    *(("rp2040", "zig", width) for width in (32, 8)),  # no floating-point unit
    ("esp32c3", "zig", 8),
]


@pytest.mark.parametrize(("board", "toolchain", "width"), BOARDS)
def test_emulated_boards_keep_and_wake_the_same_samples(board: str, toolchain: str, width: int) -> None:
    if toolchain == "gcc" and shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc not installed")
    expected = expected_hash(SampleStore(bits=width, **SETTINGS))
    assert on_board(board, toolchain, width, *IN_RAM, ["tp_buffer"]) == expected


def test_every_sample_of_a_class_is_kept_with_the_same_probability(library: ctypes.CDLL) -> None:
    """In C, 20,000 seeds of one stream: a class before the others, rare ones in between, a late one.

    How many of a class are kept is known (test_sample_store.py of the unit tests); of its n samples each should be kept
    with probability stored / n. Five standard deviations; the seeds are fixed.
    """
    stream = [0] * 20 + [0, 0, 1, 0, 2, 1] * 5 + [3] * 6
    runs, kept = 20_000, np.zeros(len(stream))
    stored = np.zeros(4)
    c = InC(library, SampleStore(16, 1, 4))
    x = np.zeros(1, np.float32)
    handle, place = ctypes.byref(c.buffer), ctypes.c_void_p(x.ctypes.data)
    for seed in range(runs):
        c.settings.seed = seed * 65_537 + 11
        assert c.init(c.memory, len(c.memory)) == 0
        holder = np.full(16, -1)
        for number, label in enumerate(stream):
            slot = library.tp_buffer_offer(handle, place, label)
            if slot >= 0:
                holder[slot] = number
        kept[holder] += 1
        stored += c.counts()[1]
    labels = np.array(stream)
    for label in range(4):
        expected = stored[label] / (labels == label).sum()
        p = expected / runs
        assert 0.1 < p <= 1
        assert np.abs(kept[labels == label] - expected).max() <= 5 * np.sqrt(runs * p * (1 - p)) + 1e-9
