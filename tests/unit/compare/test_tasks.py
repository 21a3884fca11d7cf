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
