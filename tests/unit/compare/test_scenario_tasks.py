"""What each scenario does with a small made-up data set: which samples are where, and that no two parts share one."""

from dataclasses import replace

import numpy as np
import pytest

from tinyprop.bench.compare.from_scratch import from_scratch
from tinyprop.bench.compare.machine import new_machine
from tinyprop.bench.compare.scenarios import SCENARIOS
from tinyprop.bench.compare.shifted_sensor import (
    CONTRAST,
    DARKNESS,
    blurred,
    in_poor_light,
    noisy,
    shifted_sensor,
    turned,
)
from tinyprop.bench.compare.strangers import new_speakers
from tinyprop.bench.compare.task import Task, scaling
from tinyprop.bench.compare.unseen_classes import new_classes
from tinyprop.bench.recipes.table import RECIPES
from tinyprop.data import DATA_SETS, DataSet, Samples
from tinyprop.errors import UserError
from tinyprop.features import LogMel, Stacked

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
        x[:, 0, :, 1] = np.random.default_rng(first).normal(0, 1e-3, (len(group), 4))  # so that no constant moves it
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


@pytest.mark.parametrize("shift", [turned(40), noisy(0.1), blurred(1.5), in_poor_light(0.1)])
def test_a_shifted_sensor_sees_other_images_than_those_pretrained_on(shift):
    task = shifted_sensor(pictures(), shift, field=30, judged=50)
    assert np.array_equal(task.pretrain.x, pictures().train.x)
    assert [len(getattr(task, part)) for part in PARTS[1:]] == [30, 10, 50]
    assert np.array_equal(task.test.y, task.old.y)
    assert task.test.x.dtype == np.float32
    assert task.test.x.shape == task.old.x.shape
    assert not np.array_equal(task.test.x, task.old.x)
    assert task.content_hash == shifted_sensor(pictures(), shift, field=30, judged=50).content_hash


def test_the_field_of_a_shifted_sensor_may_be_taken_from_train():
    task = shifted_sensor(pictures(), lambda x, random: x, field=30, judged=25, of_train=True)
    assert [len(getattr(task, part)) for part in PARTS] == [70, 30, 25, 25]
    assert numbers(task.pretrain) | numbers(task.field) == set(range(100))
    assert numbers(task.validation) <= set(range(1000, 1040))
    assert numbers(task.test) == numbers(task.old) <= set(range(2000, 2060))
    with pytest.raises(UserError, match="has 100 samples to learn from and the field takes 100"):
        shifted_sensor(pictures(), turned(40), field=100, judged=25, of_train=True)


def test_what_each_shift_does():
    random = np.random.default_rng(0)
    x = np.random.default_rng(1).uniform(-1, 1, (50, 1, 33, 33))
    np.testing.assert_allclose(in_poor_light(0)(x, random), CONTRAST * x - 2 * DARKNESS)
    np.testing.assert_allclose(in_poor_light(0)(abs(x), random), CONTRAST * abs(x) - DARKNESS)
    for shift, base in ((noisy(0.1), noisy(0)), (in_poor_light(0.1), in_poor_light(0))):
        assert np.std(shift(x, random) - base(x, random)) == pytest.approx(2 * 0.1, rel=0.02)
        assert np.std(shift(abs(x), random) - base(abs(x), random)) == pytest.approx(0.1, rel=0.02)
    point = np.zeros((1, 1, 33, 33))
    point[0, 0, 16, 16] = 1
    spread = blurred(1.5)(point, random)
    place = np.arange(33) - 16
    assert spread.sum() == pytest.approx(1)
    assert (spread[0, 0].sum(0) * place**2).sum() == pytest.approx(1.5**2, rel=0.02)
    point = np.zeros((1, 1, 33, 33))
    point[0, 0, 16, 26] = 1  # ten pixels to the right of the middle
    image = turned(40)(point, random)[0, 0]
    down, right = (image * place[:, None]).sum() / image.sum(), (image * place).sum() / image.sum()
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
    heard = {part: getattr(task, part) for part in PARTS}
    assert sum(map(len, heard.values())) == 29 + 6 + 78
    clear = speech().test
    moved = {tuple(x) for part in PARTS[1:] for x in _offsets(heard[part], clear)}
    assert len(moved) == 1  # one microphone, whoever speaks
    assert abs(moved.pop()[0]) > 0.1
    assert numbers(task.pretrain) <= numbers(speech().train)
    assert np.array_equal(task.old.x, speech().validation.x[speech().validation.group >= 0])


def _offsets(heard: Samples, clear: Samples) -> set[tuple[float, ...]]:
    """What was added to the coefficients of each clip; clips are told apart by their second coefficient."""
    steps = {np.diff(x[0, :, 1]).round(5).tobytes(): x for x in clear.x}
    added = [x - steps[np.diff(x[0, :, 1]).round(5).tobytes()] for x in heard.x]
    assert all(np.ptp(a, axis=1).max() < 1e-2 for a in added)
    return {tuple(a[0].mean(0).round(1).tolist()) for a in added}


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


def machines() -> DataSet:
    """Three machines; a clip is ten frames of its machine's number and its own: rows tell where they are from."""

    def part(each: int, anomalies: int, first: int) -> Samples:
        group = np.repeat(np.arange(3), each)
        y = np.tile(np.arange(each) < anomalies, 3).astype(np.int64)
        x = np.random.default_rng(first).normal(0, 0.1, (3 * each, 10, 4)).astype(np.float32)
        x[:, :, 0] = group[:, None]
        x[:, :, 1] = first + np.arange(3 * each)[:, None]
        return Samples(x, y, group)

    parts = (part(6, 0, 0), part(2, 0, 1000), part(8, 4, 2000))
    return DataSet("machines", "Machines", "made up", "own", ("normal", "anomaly"), *parts, to_find=("anomaly",))


TWO = Stacked(LogMel(bands=4), frames=2)


def test_a_new_machine_is_another_for_each_seed_and_nothing_is_learned_from_an_anomaly():
    for seed, stranger in ((0, 0), (1, 1), (2, 2), (3, 0)):
        task = new_machine(machines(), TWO, seed)
        assert [len(getattr(task, part)) for part in PARTS] == [9 * 12, 9 * 6, 9 * 2, 9 * 6]  # nine rows of each clip
        assert len(task.old) == 9 * 16
        for part in (task.pretrain, task.field):
            assert part.y is part.x
        for part in (task.validation, task.test, task.old):
            assert np.array_equal(np.bincount(part.y), [len(part) / 2] * 2)
        known = task.pretrain.x[:, 0]  # the machine's number, scaled
        assert len(np.unique(known.round(3))) == 2
        assert len(np.unique(task.field.x[:, 0].round(3))) == 1
        assert not set(np.unique(known.round(3))) & set(np.unique(task.field.x[:, 0].round(3)))
        assert np.array_equal(np.unique(task.test.x[:, 0].round(3)), np.unique(task.field.x[:, 0].round(3)))
        assert set(np.unique(task.old.x[:, 0].round(3))) == set(np.unique(known.round(3)))
        clips = [set(np.unique(getattr(task, part).x[:, 1].round(4))) for part in PARTS]
        assert len(set().union(*clips)) == sum(map(len, clips)) == 12 + 6 + 2 + 6
        assert len(np.unique(task.test.group)) == 6
        np.testing.assert_allclose(task.pretrain.x.std(axis=0), 1, atol=1e-3)
        assert stranger == seed % 3


def test_machines_that_are_not_known_apart_are_refused():
    nobody = {part: Samples(s.x, s.y) for part, s in machines().parts.items()}
    with pytest.raises(UserError, match="machines does not say which machine a clip is of"):
        new_machine(replace(machines(), **nobody), TWO, 0)
    one = machines().train.of(machines().train.group == 1)
    with pytest.raises(UserError, match="machines has 1 machine: two are needed"):
        new_machine(replace(machines(), train=one), TWO, 0)
