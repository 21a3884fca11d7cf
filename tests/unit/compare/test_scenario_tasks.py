"""What each scenario does with a small made-up data set: which samples are where, and that no two parts share one."""

import numpy as np
import pytest

from tinyprop.bench.compare.from_scratch import from_scratch
from tinyprop.bench.compare.scenarios import SCENARIOS
from tinyprop.bench.compare.shifted_sensor import BLUR, CONTRAST, DARKNESS, NOISE, SHIFTS, shifted_sensor
from tinyprop.bench.compare.strangers import new_speakers
from tinyprop.bench.compare.task import Task, scaling
from tinyprop.bench.compare.unseen_classes import new_classes
from tinyprop.bench.recipes.table import RECIPES
from tinyprop.data import DATA_SETS, DataSet, Samples
from tinyprop.errors import UserError

PARTS = ("pretrain", "field", "validation", "test")


def images(count: int, first: int) -> Samples:
    """Images of five classes; the pixel at the top left is the image's number."""
    x = np.random.default_rng(first).uniform(-1, 1, (count, 1, 8, 8)).astype(np.float32)
    x[:, 0, 0, 0] = first + np.arange(count)
    return Samples(x, np.arange(count, dtype=np.int64) % 5)


def pictures() -> DataSet:
    parts = (images(100, 0), images(40, 1000), images(60, 2000))
    return DataSet("pictures", "Pictures", "made up", "own", tuple("abcde"), *parts)


def numbers(samples: Samples) -> set[int]:
    return set(samples.x[:, 0, 0, 0].round().astype(int).tolist())


def speech() -> DataSet:
    """Speaker s says 10 + s clips of three words; groups below zero are silence."""

    def part(people: range, first: int) -> Samples:
        group = np.concatenate([np.repeat(s, 10 + s) for s in people] + [np.arange(-6, 0) - first])
        x = np.zeros((len(group), 1, 4, 2), np.float32)
        x[:, 0, 0, 0] = first + np.arange(len(group))
        return Samples(x, np.where(group < 0, 0, 1 + np.arange(len(group)) % 3).astype(np.int64), group)

    parts = (part(range(6), 0), part(range(6, 8), 1000), part(range(8, 12), 2000))
    return DataSet("speech", "Speech", "made up", "own", ("silence", "a", "b", "c"), *parts)


def test_new_classes_come_in_the_field_and_were_never_pretrained_on():
    task = new_classes(pictures(), known=3, field=30, judged=25)
    assert set(task.pretrain.y) == {0, 1, 2} == set(task.old.y)
    assert set(task.field.y) == set(task.validation.y) == set(task.test.y) == set(range(5))
    assert [len(getattr(task, part)) for part in PARTS[1:]] == [30, 25, 25]
    assert numbers(task.pretrain) | numbers(task.field) <= set(range(100))
    assert not numbers(task.pretrain) & numbers(task.field)
    assert len(task.pretrain) + sum(task.field.y < 3) == 60
    assert numbers(task.validation) <= set(range(1000, 1040))
    assert numbers(task.old) < numbers(task.test) <= set(range(2000, 2060))
    assert task.content_hash == new_classes(pictures(), known=3, field=30, judged=25).content_hash


@pytest.mark.parametrize(
    ("known", "field", "sentence"),
    [
        (5, 30, "5 of the 5 classes of pictures are known: choose 2 or more, not all"),
        (1, 30, "1 of the 5 classes"),
        (3, 100, "has 100 samples to learn from and the field takes 100"),
    ],
)
def test_new_classes_need_some_old_ones_and_something_to_pretrain_on(known, field, sentence):
    with pytest.raises(UserError, match=sentence):
        new_classes(pictures(), known, field, 25)


@pytest.mark.parametrize("name", SHIFTS)
def test_a_shifted_sensor_sees_other_images_than_those_pretrained_on(name):
    task = shifted_sensor(pictures(), SHIFTS[name], field=30, judged=50)
    assert np.array_equal(task.pretrain.x, pictures().train.x)
    assert [len(getattr(task, part)) for part in PARTS[1:]] == [30, 10, 50]
    assert np.array_equal(task.test.y, task.old.y)
    assert task.test.x.dtype == np.float32
    assert task.test.x.shape == task.old.x.shape
    assert not np.array_equal(task.test.x, task.old.x)
    assert task.content_hash == shifted_sensor(pictures(), SHIFTS[name], field=30, judged=50).content_hash


def test_what_each_shift_does():
    random = np.random.default_rng(0)
    x = np.random.default_rng(1).uniform(-1, 1, (50, 1, 33, 33))
    np.testing.assert_allclose(SHIFTS["dark"](x, random), CONTRAST * x - 2 * DARKNESS)
    np.testing.assert_allclose(SHIFTS["dark"](abs(x), random), CONTRAST * abs(x) - DARKNESS)
    assert np.std(SHIFTS["noisy"](x, random) - x) == pytest.approx(2 * NOISE, rel=0.02)
    assert np.std(SHIFTS["noisy"](abs(x), random) - abs(x)) == pytest.approx(NOISE, rel=0.02)
    point = np.zeros((1, 1, 33, 33))
    point[0, 0, 16, 16] = 1
    blurred = SHIFTS["blurred"](point, random)
    place = np.arange(33) - 16
    assert blurred.sum() == pytest.approx(1)
    assert (blurred[0, 0].sum(0) * place**2).sum() == pytest.approx(BLUR**2, rel=0.02)
    point = np.zeros((1, 1, 33, 33))
    point[0, 0, 16, 26] = 1  # ten pixels to the right of the middle
    turned = SHIFTS["rotated"](point, random)[0, 0]
    down, right = (turned * place[:, None]).sum() / turned.sum(), (turned * place).sum() / turned.sum()
    assert np.hypot(down, right) == pytest.approx(10, abs=0.5)
    assert abs(np.degrees(np.arctan2(down, right))) == pytest.approx(40, abs=3)


def test_strangers_speak_to_the_device():
    task = new_speakers(speech(), known=2)
    assert set(task.pretrain.group[task.pretrain.group >= 0]) == {4, 5}  # who said most
    assert (task.pretrain.group < 0).sum() == 6
    theirs = [part.group for part in (task.field, task.validation, task.test)]
    assert set(np.concatenate(theirs)) == {8, 9, 10, 11}
    assert [len(part) for part in theirs] == [39, 11, 28]
    assert set(task.old.group) == {6, 7}
    assert len(set().union(*(numbers(getattr(task, part)) for part in PARTS))) == 29 + 6 + 78


def test_a_set_that_does_not_know_who_speaks_is_refused():
    with pytest.raises(UserError, match="pictures does not say who speaks"):
        new_speakers(pictures(), known=2)


def test_from_scratch_there_is_nothing_to_pretrain_on_and_nothing_to_forget():
    task = from_scratch(pictures(), field=80, judged=20)
    assert (len(task.pretrain), len(task.old)) == (0, 0)
    assert [len(getattr(task, part)) for part in PARTS[1:]] == [80, 20, 20]
    assert numbers(task.field) <= set(range(100))
    scaled = task.scaled((0, 2, 3))
    assert scaled.field.x.mean() == pytest.approx(0, abs=1e-5)
    assert scaled.pretrain.x.shape == (0, 1, 8, 8)


def test_scaling_is_by_what_was_known_and_leaves_constants_finite():
    known = Samples(np.array([[1.0, 5.0], [3.0, 5.0]], np.float32), np.zeros(2, np.int64))
    other = Samples(np.array([[4.0, 6.0]], np.float32), np.zeros(1, np.int64), np.ones(1, np.int64))
    scaled = scaling(known, (0,))(other)
    np.testing.assert_allclose(scaled.x, [[2.0, 1.0]])
    assert scaled.group is other.group
    task = Task(known, other, other, other, old=other).scaled((0,))
    np.testing.assert_allclose(task.field.x, [[2.0, 1.0]])
    np.testing.assert_allclose(task.pretrain.x, [[-1.0, 0.0], [1.0, 0.0]])


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_names_what_is_there(name):
    card = SCENARIOS[name]
    assert card.dataset in DATA_SETS
    assert card.recipe is None or RECIPES[card.recipe].dataset == card.dataset
    assert card.networks
    assert all(isinstance(make().training, bool) for make in card.networks.values())
