"""tp_save and tp_load, called in the host library over a flash written in Python: bytes, mistakes, damaged images."""

import ctypes
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flash_in_python import (
    ERASE,
    ERR_FLASH,
    ERR_NONFINITE,
    ERR_NOT_READY,
    ERR_NULL,
    ERR_SETTINGS,
    NONE,
    OK,
    READ,
    Device,
)
from tinyprop.checkpoint import Checkpoint, checkpoint_of, decode, encode, find_checkpoints, values_of
from tinyprop.codegen.state import state_layout
from tinyprop.errors import UserError
from tinyprop.ir.chain import chain
from tinyprop.ir.ops import Conv2d, Dense, ReLU, Reshape
from tinyprop.methods.optimizer import SGD
from tinyprop.surface import Network, Trainer


def dense(method: str = "tinyprop_v2", **options) -> Trainer:
    program = chain("dense", (6,), (Dense(6, 7), ReLU(), Dense(7, 5)))
    return Network(program).train(method, optimizer=SGD(momentum=0.9), **options)


def image(method: str = "ours_at_effort") -> Trainer:
    ops = (Conv2d(1, 3, (3, 3), padding=(1, 1)), ReLU(), Conv2d(3, 4, (3, 3)), ReLU(), Reshape(), Dense(64, 5))
    return Network(chain("image", (1, 6, 6), ops)).train(method)


@pytest.fixture
def device() -> Iterator[Device]:
    made = Device(dense())
    yield made
    made.engine.close()


@pytest.mark.parametrize(
    "trainer", [dense(), image(), image("random_k"), dense("full", trainable=["last_layer"])], ids=str
)
@pytest.mark.parametrize(("block", "unit", "extra"), [(128, 4, 0), (4096, 256, 37), (2048, 1, 300), (1024, 32, 1)])
def test_bytes_are_those_of_the_specification(trainer, block, unit, extra):
    device = Device(trainer, block, unit, offset=block, extra=extra)
    device.learn()
    assert device.save(8) == OK
    expected = device.engine.checkpoint(steps=8, sequence=1)
    expected = Checkpoint(1, expected.identity, 8, expected.state, bytes(device.extra) if extra else b"")
    written = encode(expected)
    assert device.library.tp_checkpoint_bytes(ctypes.byref(device.settings), device.program) == len(written)
    assert (
        device.library.tp_slot_bytes(ctypes.byref(device.settings), device.program) == -(-len(written) // block) * block
    )
    assert device.image[block : block + len(written)] == written
    rest = device.image[block + len(written) : block + -(-len(written) // unit) * unit]
    assert rest == b"\xff" * len(rest)
    assert decode(bytes(device.image[block:])) == expected
    assert list(find_checkpoints(bytes(device.image))) == [block]
    layout = state_layout(trainer.train_program)
    assert layout.words == expected.state.size
    assert layout.identity == expected.identity
    values = values_of(expected, layout)
    learned = device.engine.weights()
    assert all((values.weights[name] == learned[name]).all() for name in values.weights)
    assert checkpoint_of(values, layout, sequence=1, steps=8, extra=expected.extra) == expected


@pytest.mark.parametrize("trainer", [dense(), image(), image("random_k")], ids=str)
def test_a_loaded_model_goes_on_bit_for_bit(trainer):
    device, other = Device(trainer, extra=5), Device(trainer, extra=5)
    device.learn(seed=1)
    assert device.save(8) == OK
    ahead = device.learn(seed=2)
    other.image[:] = device.image
    other.extra[:] = b"\0" * 5
    assert other.load() == (OK, 8)
    assert bytes(other.extra) == bytes(device.extra)
    assert (other.learn(seed=2) == ahead).all()
    assert other.engine.weight_hash() == device.engine.weight_hash()
    pulled = decode(bytes(device.image[256:]))
    third = trainer.build("host")
    assert third.restore(pulled) == 8
    assert third.checkpoint(steps=8) == Checkpoint(1, pulled.identity, 8, pulled.state)


def test_slots_take_turns_and_numbers_wrap(device):
    device.settings.slots = 3
    size = device.library.tp_slot_bytes(ctypes.byref(device.settings), device.program)
    assert device.slots()[0] == NONE
    assert device.slots()[1].next == 256
    for save in range(7):
        assert device.save(save) == OK
        status, found = device.slots()
        assert (status, found.newest, found.sequence, found.steps) == (OK, 256 + save % 3 * size, save + 1, save)
        assert found.next == 256 + (save + 1) % 3 * size
        assert found.next_is_whole == (save >= 2)
    for number, sequence in enumerate((2**32 - 2, 2**32 - 1, 0)):
        made = encode(device.engine.checkpoint(steps=10 + number, sequence=sequence))
        device.image[256 + number * size : 256 + number * size + len(made)] = made
    assert device.load() == (OK, 12)
    assert device.save(13) == OK
    assert device.slots()[1].sequence == 1
    assert device.load() == (OK, 13)


def test_equal_blocks_are_left_alone(device):
    for steps in (1, 2, 3):
        assert device.save(steps) == OK  # nothing was learned in between: the state is the same
    device.erased.clear()
    device.programmed = 0
    assert device.save(4) == OK
    assert len(device.erased) == 1
    assert device.programmed <= 128


@pytest.mark.parametrize("what", ["read", "program", "erase", "sync"])
def test_a_failing_flash_is_told_and_costs_nothing(device, what):
    device.learn(seed=1)
    assert device.save(8) == OK
    device.learn(seed=2)
    before = device.engine._memory.copy()
    device.fail = what
    assert device.save(16) == ERR_FLASH
    assert (device.engine._memory.view(np.uint8) == before.view(np.uint8)).all()
    device.fail = ""
    assert device.load() == (OK, 8)


def test_what_does_not_read_back_is_told(device):
    assert device.save(1) == OK
    device._program, keep = (lambda *arguments: 0), device.flash.program
    device.flash.program = READ(lambda *arguments: 0)  # a worn flash: programming says it is done, and nothing is there
    assert device.save(2) == ERR_FLASH
    device.flash.program = keep
    assert device.load() == (OK, 1)


def test_mistakes_are_refused_and_change_nothing(device):
    handle, flash = device.engine._handle(), device.image[:]
    before = device.engine._memory.copy()
    settings_of = ctypes.byref(device.settings)
    assert device.library.tp_save(None, handle, 0) == device.library.tp_save(settings_of, None, 0) == ERR_NULL
    assert device.library.tp_load(None, handle, None) == device.library.tp_load(settings_of, None, None) == ERR_NULL
    assert device.library.tp_find_slots(settings_of, None, None) == ERR_NULL
    assert device.library.tp_find_slots(settings_of, device.program, None) == ERR_NULL
    empty = (ctypes.c_void_p * 2)()
    assert device.library.tp_save(settings_of, empty, 0) == ERR_NOT_READY
    assert device.library.tp_load(settings_of, empty, None) == ERR_NOT_READY
    assert device.load()[0] == NONE
    assert device.load()[1] == 0xDEAD
    assert device.image == flash
    assert (device.engine._memory.view(np.uint8) == before.view(np.uint8)).all()


WRONG = {
    "no flash": {"flash": None},
    "one slot": {"slots": 1},
    "33 slots": {"slots": 33},
    "not at a block": {"offset": 4},
    "behind the end": {"offset": 2**32 - 128},
    "too many bytes": {"extra_bytes": 2**32 - 1, "extra": 1},
    "bytes of nothing": {"extra_bytes": 4},
    "nothing of bytes": {"extra": 1},
    "no reading": {"read": READ()},
    "no programming": {"program": READ()},
    "no erasing": {"erase": ERASE()},
    "units of 3": {"unit_bytes": 3},
    "units of 0": {"unit_bytes": 0},
    "units of 512": {"unit_bytes": 512, "block_bytes": 512},
    "blocks of 0": {"block_bytes": 0},
    "blocks of 6 in units of 4": {"block_bytes": 6},
}


@pytest.mark.parametrize("name", WRONG)
def test_settings_that_cannot_be_are_refused(device, name):
    for field, value in WRONG[name].items():
        setattr(device.settings if hasattr(device.settings, field) else device.flash, field, value)
    before = device.image[:]
    assert device.save() == device.load()[0] == device.slots()[0] == ERR_SETTINGS
    assert device.library.tp_slot_bytes(ctypes.byref(device.settings), device.program) == 0
    assert device.library.tp_checkpoint_bytes(ctypes.byref(device.settings), device.program) == 0
    assert device.image == before


def test_a_weight_that_is_no_number_is_not_saved_and_not_loaded(device):
    assert device.save(1) == OK
    device.engine._memory.view(np.float32)[3] = np.nan
    assert device.save(2) == ERR_NONFINITE
    assert device.load() == (OK, 1)
    state = device.engine.checkpoint().state.copy()
    state[0] = np.float32(np.inf).view(np.uint32)
    hostile = encode(Checkpoint(9, device.engine.checkpoint().identity, 9, state))
    size = device.library.tp_slot_bytes(ctypes.byref(device.settings), device.program)
    device.image[256 + size : 256 + size + len(hostile)] = hostile
    assert device.load() == (OK, 1)
    with pytest.raises(UserError, match="NaN or infinite: take an older one"):
        device.engine.restore(decode(hostile))


def test_a_flash_that_reads_differently_every_time_leaves_no_half_of_a_checkpoint(device):
    device.learn(seed=1)
    assert device.save(8) == OK
    fresh = dense().build("host").checkpoint()

    def flickering(steady):
        """Reads well `steady` times; from then on four bytes of each are zero."""
        reads = iter(range(10**6))

        def read(context, offset, to, count):
            device._read(context, offset, to, count)
            if next(reads) >= steady:
                ctypes.memset(to, 0, min(4, count))
            return 0

        return READ(read)

    statuses = []
    for steady in range(3, 12):
        device.flash.read = flickering(steady)
        statuses.append(device.load()[0])
        if statuses[-1] == ERR_FLASH:
            assert device.engine.checkpoint() == fresh
    assert set(statuses) == {NONE, ERR_FLASH, OK}
    assert statuses == sorted(statuses)  # damaged before it is found whole, then between two reads, then never


def test_checkpoints_of_another_program_are_none_of_ours(device):
    assert device.save(1) == OK
    for other in (dense("ours"), dense(trainable=["last_layer"]), Network(dense().train_program.program).train("full")):
        stranger = Device(other)
        stranger.image[:] = device.image
        assert stranger.load()[0] == NONE
        with pytest.raises(UserError, match="build the network and method that saved it"):
            stranger.engine.restore(device.engine.checkpoint())


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_damaged_images_are_never_taken(data):
    """Any bytes over a good slot: it is as it was, or the other one is taken."""
    device = Device(dense())
    device.learn(seed=1)
    assert device.save(8) == OK
    device.learn(seed=2)
    assert device.save(16) == OK
    good = bytes(device.image)
    size = device.library.tp_slot_bytes(ctypes.byref(device.settings), device.program)
    at = data.draw(st.integers(256, 256 + 2 * size - 1))
    damage = data.draw(st.binary(min_size=1, max_size=40))
    device.image[at : at + len(damage)] = damage[: 256 + 2 * size - at]
    status, steps = device.load()
    whole = {c.steps for c in find_checkpoints(bytes(device.image)).values()}
    assert (status, steps) == ((OK, max(whole)) if whole else (NONE, 0xDEAD))
    if bytes(device.image) == good:
        assert steps == 16


def test_boards_take_over_what_the_host_learned_and_give_it_back():
    trainer = dense()
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((20, 6)).astype(np.float32), rng.integers(0, 5, 20)
    with trainer.build("host") as host, trainer.build("nano33ble") as board:
        host.fit(x[:10], y[:10], progress=False)
        assert board.restore(host.checkpoint(steps=10)) == 10
        ahead = host.fit(x[10:], y[10:], progress=False)
        assert (board.fit(x[10:], y[10:], progress=False).loss == ahead.loss).all()
        assert board.checkpoint(steps=20) == host.checkpoint(steps=20)
        assert board.facts == host.facts
