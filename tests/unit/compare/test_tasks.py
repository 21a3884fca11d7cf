"""Tasks: no sample in two parts, and what makes a volunteer new."""

import numpy as np
import pytest

from tinyprop.bench.compare.scenarios import SCENARIOS
from tinyprop.bench.compare.volunteer import new_volunteer
from tinyprop.data import DataSet, Samples
from tinyprop.errors import UserError


def moving(people: range, each: int) -> Samples:
    """Windows that tell who they are from and which of that person's they are."""
    group = np.repeat(np.array(people), each)
    x = np.random.default_rng(0).normal(3, 2, (len(group), 2, 4)).astype(np.float32)
    x[:, 0, 0] = 1000 * group + np.tile(np.arange(each), len(people))
    return Samples(x, np.arange(len(group)) % 2, group.astype(np.int64))


def people(**changed: object) -> DataSet:
    parts = {"train": moving(range(1, 6), 40), "validation": moving(range(6, 8), 40), "test": moving(range(8, 11), 40)}
    return DataSet("people", "People", "people who move", "own", ("sit", "walk"), **(parts | changed))


def test_a_new_volunteer_is_one_of_test_and_another_for_each_seed():
    tasks = [new_volunteer(people(), seed) for seed in range(4)]
    seen = [set(task.field.group) | set(task.validation.group) | set(task.test.group) for task in tasks]
    assert seen == [{8}, {9}, {10}, {8}]
    assert tasks[0].content_hash == tasks[3].content_hash != tasks[1].content_hash
    for task in tasks:
        assert (len(task.field), len(task.validation), len(task.test)) == (20, 6, 14)
        assert (len(task.pretrain), len(task.old)) == (180, 20)
        assert set(task.pretrain.group) | set(task.old.group) == set(range(1, 6))
        rows = [
            row.tobytes()
            for part in (task.pretrain, task.field, task.validation, task.test, task.old)
            for row in part.x
        ]
        assert len(set(rows)) == len(rows)
        np.testing.assert_allclose(task.pretrain.x.mean(axis=(0, 2)), 0, atol=1e-4)
        np.testing.assert_allclose(task.pretrain.x.std(axis=(0, 2)), 1, atol=1e-4)


def test_a_device_that_is_worn_aslant_is_turned_for_the_newcomer_alone():
    """By a quarter: what lay along the second axis lies along the first, the other way round."""

    def windows(who: range) -> Samples:
        known = moving(who, 40)
        x = np.random.default_rng(1).choice([-1.0, 1.0], (len(known), 6, 5)).astype(np.float32)
        x[::2] *= -1
        return Samples(np.concatenate([x, -x]), np.tile(known.y, 2), np.tile(known.group, 2))

    data = people(train=windows(range(5)), validation=windows(range(5, 7)), test=windows(range(7, 9)))
    upright, quarter = (new_volunteer(data, 0, aslant) for aslant in (0.0, 90.0))
    for part in ("pretrain", "old"):
        assert np.array_equal(getattr(quarter, part).x, getattr(upright, part).x)
    for part in ("field", "validation", "test"):
        before, after = (getattr(task, part).x.round(2) for task in (upright, quarter))
        sign = np.sign(before)
        assert np.array_equal(np.sign(after), sign[:, [1, 0, 2, 4, 3, 5]] * [[-1], [1], [1], [-1], [1], [1]])


def test_a_set_that_does_not_know_its_volunteers_is_refused():
    nobody = {part: Samples(s.x, s.y) for part, s in people().parts.items()}
    with pytest.raises(UserError, match="people does not say which volunteer a sample is from"):
        new_volunteer(people(**nobody), 0)


@pytest.mark.parametrize("name", [name for name, card in SCENARIOS.items() if card.dataset == "digits"])
def test_no_digit_is_learned_and_tested(name):
    task = SCENARIOS[name].make(0)
    rows = [row.tobytes() for part in (task.pretrain, task.field, task.validation, task.test) for row in part.x]
    # scikit-learn's digits hold a few images twice
    assert len(rows) - len(set(rows)) <= 2
    assert len(task.old) > 100
