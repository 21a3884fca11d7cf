"""What a store keeps of a stream, and whom it wakes: held against the definition, not against C."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinyprop
from tinyprop import SampleStore, StoreFlash
from tinyprop.errors import UserError
from tinyprop.store.sample_store import order_of_turns


def filled(labels: list[int], capacity: int, classes: int, seed: int = 0) -> SampleStore:
    """A store that was offered the stream `labels`; a sample is its number in the stream."""
    store = SampleStore(capacity, 1, classes, seed=seed)
    store.offer_all(np.arange(len(labels), dtype=np.float32)[:, None], labels)
    return store


@settings(deadline=None, derandomize=True, max_examples=300)
@given(labels=st.lists(st.integers(0, 4), max_size=60), capacity=st.integers(1, 20), seed=st.integers(0, 2**32 - 1))
def test_every_class_is_kept_whole_or_is_as_large_as_any(labels: list[int], capacity: int, seed: int) -> None:
    """The balance of the paper, after every sample: a class that was cut short is at most one below the largest."""
    store = SampleStore(capacity, 1, 5, seed=seed)
    for number, label in enumerate(labels):
        store.offer([number], label)
        stored, seen = store.stored, store.seen
        assert stored.sum() == len(store) == min(number + 1, capacity)
        assert seen.sum() == number + 1
        assert ((stored == seen) | (stored >= stored.max() - 1)).all()
    x, y = store.contents()
    assert len(set(x[:, 0].tolist())) == len(store)
    assert [labels[int(number)] for number in x[:, 0]] == y.tolist()


def test_a_skewed_stream_is_kept_balanced() -> None:
    """Of 10,000 samples two classes have 50 and 25: these are kept whole, the two large ones share the rest."""
    stream = np.random.default_rng(2).permutation(np.repeat([0, 1, 2, 3], [9000, 925, 50, 25]))
    assert filled(stream.tolist(), 200, 4).stored.tolist() in ([62, 63, 50, 25], [63, 62, 50, 25])


def test_a_class_never_dies_out_where_there_is_a_slot_for_each() -> None:
    for seed in range(30):
        stream = np.random.default_rng(seed).integers(0, 8, 200)
        assert (filled(stream.tolist(), 8, 8, seed).stored == 1).all()


def test_filling_makes_no_class_a_largest_one() -> None:
    """The first sample of all is of a class that was the largest, for a moment; it may grow for all that."""
    store = filled([0, *[1] * 9], 10, 2)
    store.offer_all(np.zeros((4, 1)), [0] * 4)
    assert store.stored.tolist() == [5, 5]


@pytest.mark.parametrize("capacity", [*range(1, 200), 1000, 1797, 4096, 65_535, 65_536, 65_537, 100_003])
def test_a_round_comes_by_every_slot_once(capacity: int) -> None:
    assert (np.sort(order_of_turns(capacity)) == np.arange(capacity)).all()


@pytest.mark.parametrize("per_class", [7, 20, 32, 100, 250])
def test_what_came_class_by_class_takes_turns_class_by_class(per_class: int) -> None:
    """Any 50 turns one after the other hold 3 to 8 samples of each of ten classes; by slots, one or two."""
    classes = order_of_turns(10 * per_class) // per_class
    for start in range(len(classes) - 50 + 1):
        counts = np.bincount(classes[start : start + 50], minlength=10)
        assert counts.min() >= 3
        assert counts.max() <= 8


def test_a_store_that_is_not_full_takes_its_turns_as_well() -> None:
    store = filled([0, 1, 0], 10, 2)
    assert sorted(store.awake_round().slots.tolist()) == [0, 1, 2]


def rounds_awake(longest: int, rounds: int, learned_in: int = -1) -> list[int]:
    """Rounds in which one sample was awake; its step was skipped but for round `learned_in`."""
    store = SampleStore(1, 1, 1, longest_sleep=longest)
    store.offer([0.0], 0)
    awake = []
    for number in range(rounds):
        for slot in store.awake_round().slots:
            awake.append(number)
            store.told(slot, number != learned_in)
    assert store.visits == len(awake)
    assert store.slept == rounds - len(awake)
    return awake


def test_sleep_grows_by_one_up_to_the_longest() -> None:
    assert rounds_awake(15, 30) == [0, 2, 5, 9, 14, 20, 27]
    assert rounds_awake(2, 12) == [0, 2, 5, 8, 11]
    assert rounds_awake(0, 4) == [0, 1, 2, 3]
    assert np.diff(rounds_awake(15, 400))[-3:].tolist() == [16, 16, 16]


def test_a_step_that_taught_wakes_and_the_count_starts_anew() -> None:
    assert rounds_awake(15, 12, learned_in=5) == [0, 2, 5, 6, 8, 11]


def test_a_sample_that_is_replaced_is_awake() -> None:
    store = filled([0], 1, 1)
    store.told(0, True)
    assert store.asleep == 1
    while store.offer([1.0], 0) is None:
        pass
    assert store.asleep == 0
    assert store.next_awake() == (0, np.float32(1), 0)


def test_all_asleep_ends_the_round_and_an_empty_store_too() -> None:
    assert SampleStore(5, 1, 1).next_awake() is None
    store = filled([0, 0], 2, 1)
    store.told([0, 1], [True, True])
    assert (store.next_awake(), store.slept, store.asleep) == (None, 2, 0)
    round_ = store.awake_round()
    assert (len(round_), round_.slept) == (2, 0)


def test_a_refused_offer_changes_nothing() -> None:
    store = filled([0, 1], 3, 2)
    before = str(store)
    for x, y, sentence in (
        ([[np.nan]], [0], "sample 0 holds NaN or infinity"),
        ([[0.0], [1e39]], [0, 0], "sample 1 holds NaN or infinity"),
        ([[0.0]], [2], "whole numbers from 0 to 1"),
        ([[0.0]], [-1], "whole numbers from 0 to 1"),
        ([[0.0]], [0.5], "whole numbers from 0 to 1"),
        ([[0.0, 1.0]], [0], r"samples have shape \(1, 2\), this store takes \(N, 1\)"),
        (3.0, [0], "samples have shape"),
        ([[0.0]], [0, 1], "pass one label per sample"),
        ([["a"]], [0], "pass numbers of one shape"),
    ):
        with pytest.raises(UserError, match=sentence):
            store.offer_all(x, y)
        assert str(store) == before


def test_slots_that_hold_nothing_are_named() -> None:
    store = filled([0, 1], 3, 2)
    for slots, skipped, sentence in (
        (2, True, "the store holds slots 0 to 1"),
        (-1, True, "the store holds slots 0 to 1"),
        ([0, 1], [True], "pass one answer per slot"),
    ):
        with pytest.raises(UserError, match=sentence):
            store.told(slots, skipped)
    assert store.asleep == 0


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"capacity": 0}, "capacity=0: choose a whole number of samples"),
        ({"capacity": 1.5}, "capacity=1.5"),
        ({"input_shape": ()}, "pass the shape of one sample"),
        ({"input_shape": (2, 0)}, "pass the shape of one sample"),
        ({"input_shape": None}, "pass the shape of one sample"),
        ({"classes": 70_000}, "classes=70000: choose a whole number from 1 to 65,536"),
        ({"bits": 16}, "bits=16: choose 32"),
        ({"longest_sleep": 16}, "longest_sleep=16: choose a whole number of visits, 0"),
        ({"seed": -1}, "seed=-1"),
        ({"bits": 8, "low": 1.0}, "low=1.0 and high=1.0"),
        ({"bits": 8, "high": float("nan")}, "finite, low below high"),
        ({"bits": 8, "low": -3e38, "high": 3e38}, "finite, low below high"),
        ({"capacity": 2**25}, "choose fewer, 2 GiB at most"),
    ],
    ids=str,
)
def test_what_a_device_could_not_hold_is_named(wrong: dict, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        SampleStore(**{"capacity": 10, "input_shape": (64,), "classes": 10, **wrong})


def test_its_bytes_are_told() -> None:
    store = tinyprop.SampleStore(200, (1, 8, 8), 10, bits=8)
    # state 28, two counts of ten classes 80, and per sample label, sleep and 64 values
    assert store.bytes == 28 + 80 + 200 * (1 + 1 + 64) == 13_308
    assert str(store) == (
        "store of 200 samples of 64 values (8 bits from 0 to 1), 10 classes: 13,308 bytes of RAM, samples 12,800, "
        "labels, sleep and counts 508; holds 0 of 0 offered, 0 asleep; 0 visits, 0 slept"
    )
    assert SampleStore(200, 64, 10).bytes == 28 + 80 + 200 * (2 + 256)
    assert SampleStore(3, 1, 300, bits=8).bytes == 28 + 2400 + 3 * 4
    assert SampleStore(1, 1, 1, bits=8).bytes == 40  # 39, and one to a multiple of four


def test_its_bytes_in_flash_are_told() -> None:
    store = tinyprop.SampleStore(500, (1, 8, 8), 10, bits=8, flash=StoreFlash(4096, 4))
    # a record of 84 bytes, 48 of them in a shelf behind a head of 16; 24 slots each leave half of it free
    assert store.settings.flash_bytes == len(store.image) == 22 * 4096
    assert store.bytes == 28 + 80 + 500 * 2 + 2 * 500 + 4 * 21 == 2_192
    assert str(store).startswith(
        "store of 500 samples of 64 values (8 bits from 0 to 1), 10 classes: 2,192 bytes of RAM for labels, sleep, "
        "counts and places; 90,112 bytes of flash, 22 shelves of 4,096 for 24 samples each, room for 48; holds 0 of 0"
    )
    assert SampleStore(500, 64, 10).image == b""


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"unit_bytes": 3}, "block_bytes=4096 and unit_bytes=3: a unit is a power of two up to 256"),
        ({"unit_bytes": 512}, "a unit is a power of two up to 256"),
        ({"block_bytes": 4098}, "a block a multiple of it"),
        ({"erases": False}, "or as large where nothing is erased"),
        ({"shelves": 1}, "shelves=1: choose 2 to 65,534"),
        ({"identity": -1}, "identity=-1"),
        ({"shelves": 5}, "500 samples of 64 bytes were given 5 shelves: a shelf of 4,096 bytes keeps 48, choose 12"),
    ],
    ids=str,
)
def test_a_flash_that_cannot_keep_it_is_named(wrong: dict, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        SampleStore(500, 64, 10, bits=8, flash=StoreFlash(**{"block_bytes": 4096, "unit_bytes": 4, **wrong}))


def test_a_store_is_found_in_a_dump_of_its_flash() -> None:
    settings = {"capacity": 20, "input_shape": (2,), "classes": 3, "seed": 4, "flash": StoreFlash(256, 8)}
    store = SampleStore(**settings)
    store.offer_all(np.arange(200.0).reshape(100, 2), np.arange(100) % 3)
    found = SampleStore(**settings, image=store.image)
    assert [part.tolist() for part in found.contents()] == [part.tolist() for part in store.contents()]
    assert (len(found), found.erased, found.asleep) == (20, 0, 0)
    for wrong, sentence in (
        ({"image": store.image[1:]}, "pass all"),
        ({"image": store.image, "flash": None}, "image was given without flash"),
    ):
        with pytest.raises(UserError, match=sentence):
            SampleStore(**{**settings, **wrong})


def test_slots_in_between_that_hold_nothing_are_named() -> None:
    settings = {"capacity": 4, "input_shape": 1, "classes": 2, "flash": StoreFlash(32, 4)}
    store = SampleStore(**settings)
    store.offer_all(np.arange(4.0)[:, None], [0, 1, 0, 1])
    image = bytearray(store.image)
    image[image.index(np.float32(2).tobytes())] ^= 1  # the third sample
    found = SampleStore(**settings, image=bytes(image))
    with pytest.raises(UserError, match=r"the store holds slots \[0, 1, 3\]"):
        found.told(2, True)
    assert found.contents()[0][:, 0].tolist() == [0, 1, 3]
    assert found.offer([9.0], 0) == 2


def test_nothing_offered_is_nothing_stored() -> None:
    store = SampleStore(3, (2, 2), 2)
    assert store.offer_all(np.empty((0, 2, 2)), np.empty(0, np.int64)).tolist() == []
    assert len(store) == 0
