"""The guard, called in the host library: what it keeps, what it takes back, what it counts, what it refuses."""

import ctypes

import numpy as np
import pytest

from flash_in_python import (
    ERR_FLASH,
    ERR_NONFINITE,
    ERR_NOT_READY,
    ERR_NULL,
    GUARD_COUNTS,
    NONE,
    OK,
    CGuard,
    CGuardSettings,
    Device,
)
from tinyprop.ir.chain import chain
from tinyprop.ir.ops import Dense, ReLU
from tinyprop.methods.optimizer import SGD
from tinyprop.surface import Network

ERR_LABEL, ERR_LOSS, ERR_GUARD, ROLLED_BACK = -3, -7, -50, -51
CLASSES, INPUTS = 4, 12


class CStep(ctypes.Structure):
    _fields_ = (
        ("loss", ctypes.c_float),
        ("predicted", ctypes.c_uint32),
        ("skipped", ctypes.c_uint32),
        ("kept", ctypes.c_void_p),
    )


def samples(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Four clouds, far enough apart to be learned and near enough to be forgotten."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(7).standard_normal((CLASSES, INPUTS))
    y = rng.integers(0, CLASSES, n).astype(np.uint32)
    return (centres[y] + 0.6 * rng.standard_normal((n, INPUTS))).astype(np.float32), y


class Guarded(Device):
    """A device whose learning is guarded by 40 samples."""

    def __init__(
        self, method="tinyprop_v2", count=40, every=20, margin=4, looks_per_save=1, loss="cross_entropy"
    ) -> None:
        program = chain("guarded", (INPUTS,), (Dense(INPUTS, 16), ReLU(), Dense(16, CLASSES)))
        super().__init__(Network(program).train(method, loss, SGD(momentum=0.5)))
        self.x, self.y = samples(max(count, 1), seed=99)
        self.guard_settings = CGuardSettings(
            self.x.ctypes.data, self.y.ctypes.data, count, every, margin, looks_per_save
        )
        self.guard, self.step = CGuard(), CStep()

    def start(self) -> int:
        return self.library.tp_guard_init(
            ctypes.byref(self.guard),
            ctypes.byref(self.guard_settings),
            ctypes.byref(self.settings),
            self.engine._handle(),
        )

    def train(self, x: np.ndarray, y: np.ndarray, rate: float = 0.02) -> list[int]:
        rows = [np.ascontiguousarray(row, np.float32) for row in x]
        call, guard, step = self.library.tp_guard_train, ctypes.byref(self.guard), ctypes.byref(self.step)
        return [
            call(guard, row.ctypes.data_as(ctypes.c_void_p), ctypes.c_uint32(int(label)), ctypes.c_float(rate), step)
            for row, label in zip(rows, y, strict=True)
        ]

    @property
    def counts(self) -> dict[str, int]:
        return dict(zip(GUARD_COUNTS, self.guard.counts, strict=True))

    def accuracy(self) -> float:
        return self.engine.accuracy(*samples(400, seed=5))


def test_good_samples_are_learned_as_without_a_guard():
    device, free = Guarded(), Guarded()
    x, y = samples(300, seed=1)
    assert device.start() == OK
    assert set(device.train(x, y)) == {OK}
    free.engine.fit(x, y, lr=0.02, progress=False)
    assert device.engine.weight_hash() == free.engine.weight_hash()
    counts = device.counts
    assert (counts["steps"], counts["looks"], counts["saves"]) == (300, 15, 16)
    assert counts["rollbacks"] == counts["refused"] == counts["failures"] == 0
    assert 0 < counts["skipped"] < 300
    assert counts["right"] == round(device.engine.accuracy(device.x, device.y) * 40 / 100)
    assert device.load() == (OK, 300)


@pytest.mark.parametrize("disturbance", ["wrong labels", "another sensor", "one class only"])
def test_what_it_saves_when_the_field_goes_wrong(disturbance):
    """Labels by lot, noise in place of samples, one label for all: with the guard the model stays good."""
    x, y = samples(400, seed=1)
    bad_x, bad_y = samples(600, seed=2)
    rng = np.random.default_rng(3)
    if disturbance == "wrong labels":
        bad_y = rng.integers(0, CLASSES, 600).astype(np.uint32)
    elif disturbance == "another sensor":
        bad_x = (3 * rng.standard_normal(bad_x.shape)).astype(np.float32)
    else:
        bad_y = np.zeros(600, np.uint32)
    device, free = Guarded("full"), Guarded("full")
    assert device.start() == OK
    device.train(x, y)
    free.engine.fit(x, y, lr=0.02, progress=False)
    good = device.accuracy()
    assert good > 85
    device.train(bad_x, bad_y, rate=0.05)
    free.engine.fit(bad_x, bad_y, lr=0.05, progress=False)
    assert device.counts["rollbacks"] > 0
    assert device.accuracy() > good - 12
    assert free.accuracy() < device.accuracy() - 15


def test_a_way_back_is_exact():
    device = Guarded("full", every=1000)
    x, y = samples(200, seed=1)
    assert device.start() == OK
    device.train(x, y)
    assert device.library.tp_guard_look(ctypes.byref(device.guard)) == OK
    kept = device.engine.checkpoint(steps=200)
    device.train(*samples(300, seed=2)[:1], np.zeros(300), rate=0.1)
    assert device.library.tp_guard_look(ctypes.byref(device.guard)) == ROLLED_BACK
    assert device.engine.checkpoint(steps=200) == kept
    assert device.guard.steps == 200
    assert device.counts["steps"] == 500


@pytest.mark.parametrize(("count", "every"), [(40, 20), (0, 10**6)])
def test_outputs_that_are_no_numbers_are_taken_back(count, every):
    device = Guarded("full", count=count, every=every)
    x, y = samples(60, seed=1)
    assert device.start() == OK
    assert set(device.train(x, y)) == {OK}
    assert device.library.tp_guard_look(ctypes.byref(device.guard)) == OK
    kept = device.engine.checkpoint()
    one_by_one = (device.train(x[i : i + 1], y[i : i + 1], rate=3e38) for i in range(60))
    assert [ROLLED_BACK] in one_by_one
    assert device.counts["rollbacks"] == device.counts["nonfinite"] == 1
    assert device.engine.checkpoint() == kept
    assert device.guard.steps == 60
    assert set(device.train(x, y)) == {OK}


def test_a_sample_too_large_for_the_network_costs_nothing():
    """Finite values may have outputs that are not: that is the sensor's fault, not the model's."""
    device = Guarded("full")
    x, y = samples(10, seed=1)
    assert device.start() == OK
    assert set(device.train(x, y)) == {OK}
    before = device.engine.checkpoint()
    assert device.train(np.full((2, INPUTS), 3e38), [0, 0]) == [ERR_NONFINITE] * 2
    assert device.counts["refused"] == 2
    assert device.counts["rollbacks"] == 0
    assert device.engine.checkpoint() == before


def test_without_a_checkpoint_that_can_be_read_it_begins_anew():
    device = Guarded("full", count=0, every=10**6)
    assert device.start() == OK
    fresh = device.engine.checkpoint()
    device.engine._memory.view(np.float32)[: device.engine.facts.parameters] = np.inf
    device.fail = "read"
    assert device.train(*samples(1, seed=1)) == [ROLLED_BACK]
    assert device.engine.checkpoint() == fresh
    assert device.counts["failures"] == device.counts["nonfinite"] == device.counts["rollbacks"] == 1


def test_bad_samples_are_refused_and_counted():
    device = Guarded()
    assert device.start() == OK
    x, y = samples(3, seed=1)
    before = device.engine.checkpoint()
    x[0, 3], x[1, 0] = np.nan, np.inf
    assert device.train(x, [0, 0, CLASSES]) == [ERR_NONFINITE, ERR_NONFINITE, ERR_LABEL]
    assert device.counts["refused"] == 3
    assert device.counts["steps"] == 0
    assert device.engine.checkpoint() == before
    assert device.train(x[2:], y[2:], rate=-1.0) == [-5]
    assert device.counts["refused"] == 3


def test_a_failing_flash_is_told_and_tried_again():
    device = Guarded("full", every=10)
    assert device.start() == OK
    x, y = samples(30, seed=1)
    device.fail = "program"
    assert device.train(x[:10], y[:10]) == [OK] * 9 + [ERR_FLASH]
    device.fail = ""
    assert device.train(x[10:20], y[10:20]) == [OK] * 10
    assert (device.counts["failures"], device.counts["saves"], device.counts["steps"]) == (1, 2, 20)


def test_saves_are_rarer_than_looks_where_asked():
    device = Guarded(every=10, looks_per_save=3)
    assert device.start() == OK
    device.train(*samples(100, seed=1))
    assert (device.counts["looks"], device.counts["saves"]) == (10, 4)
    assert device.slots()[1].steps == 90


def test_a_reset_goes_on_where_it_was_saved():
    device = Guarded()
    x, y = samples(60, seed=1)
    assert device.start() == OK
    device.train(x, y)
    kept = device.engine.checkpoint()
    device.engine.reset()
    assert device.start() == OK
    assert device.engine.checkpoint() == kept
    assert device.guard.steps == 60
    assert device.counts["saves"] == 0
    assert device.counts["best"] == device.counts["right"] > 0


@pytest.mark.parametrize(
    "wrong",
    [{"every": 0}, {"looks_per_save": 0}, {"margin": 40}, {"samples": None}, {"labels": None}],
    ids=str,
)
def test_settings_that_cannot_be_are_refused(wrong):
    device = Guarded()
    for name, value in wrong.items():
        setattr(device.guard_settings, name, value)
    before = bytes(device.image)
    assert device.start() == ERR_GUARD
    assert bytes(device.image) == before
    assert device.train(*samples(1, seed=1)) == [ERR_NOT_READY]
    assert device.library.tp_guard_look(ctypes.byref(device.guard)) == ERR_NOT_READY


def test_targets_are_guarded_against_what_is_no_number():
    device = Guarded("full", loss="mse")
    assert device.start() == ERR_GUARD
    device.guard_settings.count = 0
    assert device.start() == OK
    x, target = np.ones(INPUTS, np.float32), np.zeros(CLASSES, np.float32)
    call = device.library.tp_guard_train_target
    places = [ctypes.c_void_p(array.ctypes.data) for array in (x, target)]
    given = (*places, ctypes.c_float(0.01), ctypes.byref(device.step))
    assert call(ctypes.byref(device.guard), *given) == OK
    assert device.counts["steps"] == 1
    assert device.train(x[None], [0]) == [ERR_LOSS]
    target[0] = np.nan
    assert call(ctypes.byref(device.guard), *given) == ERR_NONFINITE
    assert device.counts["refused"] == 1


def test_null_pointers_are_refused():
    device = Guarded()
    library, handle = device.library, device.engine._handle()
    references = [ctypes.byref(one) for one in (device.guard, device.guard_settings, device.settings)] + [handle]
    for missing in range(4):
        given = [None if number == missing else one for number, one in enumerate(references)]
        assert library.tp_guard_init(*given) == ERR_NULL
    empty = (ctypes.c_void_p * 2)()
    assert library.tp_guard_init(*references[:3], empty) == ERR_NOT_READY
    assert library.tp_guard_look(None) == library.tp_guard_train(None, None, 0, ctypes.c_float(0), None) == ERR_NULL
    assert device.slots()[0] == NONE


def test_what_was_never_saved_is_no_measure_after_a_way_back():
    """Better for a while without a save, then a bad stretch: from the old checkpoint it learns on as from any other."""
    device = Guarded("full", every=10, margin=4, looks_per_save=1000)
    assert device.start() == OK
    x, y = samples(400, seed=1)
    assert set(device.train(x[:200], y[:200])) == {OK}
    assert device.counts["best"] > 30
    assert ROLLED_BACK in device.train(x[:100], np.zeros(100), rate=0.1)
    rolled_back = device.counts["rollbacks"]
    assert ROLLED_BACK not in device.train(x[200:], y[200:])
    assert device.counts["rollbacks"] == rolled_back
    assert device.accuracy() > 80
