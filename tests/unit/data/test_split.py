"""What is carved out: nothing is lost, nothing is in two parts, groups stay whole."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyprop.data import DataSet, Samples, load
from tinyprop.data.split import carved
from tinyprop.errors import UserError

unhurried = settings(deadline=None, derandomize=True, max_examples=60)

BY_CLASS = [6, 12, 13, 18, 22, 23, 32, 34, 35, 49, 57, 59]
BY_GROUP = [2, 7, 9]


def samples(labels, group=None):
    x = np.arange(len(labels), dtype=np.float32)[:, None]
    return Samples(x, np.array(labels, np.int64), None if group is None else np.array(group, np.int64))


@unhurried
@given(st.lists(st.integers(0, 4), min_size=4, max_size=60), st.floats(0.01, 0.6))
def test_every_class_is_in_both_parts_and_nothing_is_lost(labels, share):
    labels = labels + labels[::-1]  # at least two of each
    kept, out = carved(samples(labels), share)
    assert sorted([*kept.x[:, 0], *out.x[:, 0]]) == list(range(len(labels)))
    assert list(kept.x[:, 0]) == sorted(kept.x[:, 0])
    assert set(kept.y.tolist()) == set(out.y.tolist()) == set(labels)
    for label in set(labels):
        count = labels.count(label)
        assert (out.y == label).sum() == min(max(1, round(share * count)), count - 1)
    again = carved(samples(labels), share)[1]
    np.testing.assert_array_equal(again.x, out.x)


@unhurried
@given(st.lists(st.integers(0, 9), min_size=2, max_size=80), st.floats(0.01, 0.6))
def test_groups_stay_whole(group, share):
    if len(set(group)) < 2:
        group = [*group, 99]
    kept, out = carved(samples(np.zeros(len(group)), group), share)
    assert len(kept) + len(out) == len(group)
    assert len(kept) > 0 < len(out)
    assert set(kept.group.tolist()) | set(out.group.tolist()) == set(group)
    assert not set(kept.group.tolist()) & set(out.group.tolist())
    assert len(set(kept.group.tolist())) == 1 or len(out) >= share * len(group)


def test_the_same_samples_are_drawn_on_every_machine_and_in_every_version():
    """Pinned: results of different days are of the same parts. They are scattered, not the first of each class."""
    by_class = carved(samples(np.arange(60) % 3), 0.2)[1].x[:, 0].astype(int).tolist()
    by_group = carved(samples(np.zeros(60), np.arange(60) // 5), 0.2)[1].group
    assert by_class == BY_CLASS
    assert sorted(set(by_group.tolist())) == BY_GROUP


def test_targets_are_drawn_from_all():
    kept, out = carved(Samples(np.zeros((50, 3), np.float32), np.ones((50, 3), np.float32)))
    assert (len(kept), len(out)) == (45, 5)


def test_what_cannot_be_carved():
    with pytest.raises(UserError, match="label 1 has a single sample: train and validation need one each"):
        carved(samples([0, 0, 1]))
    with pytest.raises(UserError, match="all samples are of one group: test needs others"):
        carved(samples([0, 0, 1], [7, 7, 7]), 0.2, "test")
    with pytest.raises(UserError, match="there is 1 sample to learn from"):
        carved(Samples(np.zeros((1, 2), np.float32), np.zeros((1, 2), np.float32)))


def test_a_data_set_is_checked_when_it_is_made():
    def made(classes=("a", "b"), train=(0, 1), validation=(0,), test=(0, 1)):
        return DataSet("n", "t", "s", "own", classes, samples(train), samples(validation), samples(test))

    assert made().shape == (1,)
    assert list(made().parts) == ["train", "validation", "test"]
    for arguments, words in (
        ({"validation": ()}, "validation is empty: give it at least one sample"),
        ({"train": (0, 2)}, "in train sample 1 has label 2 .1 such in all., labels are 0 to 1"),
        ({"test": (0, -1)}, "in test sample 1 has label -1"),
        ({"test": (0, 0)}, "test has no sample of 'b': add some, or leave the class out"),
        ({"classes": tuple("abcdefgh")}, "'c', 'd', 'e', 'f', 'g' and 1 more: add some"),
        ({"train": (), "test": ()}, "train is empty.*; test is empty"),
    ):
        with pytest.raises(UserError, match=f"n .own. cannot be used: .*{words}"):
            made(**arguments)
    with pytest.raises(UserError, match="x holds 2 samples and y 3: one for each is needed"):
        Samples(np.zeros((2, 1)), np.zeros(3))
    with pytest.raises(UserError, match="and group 1:"):
        Samples(np.zeros((2, 1)), np.zeros(2), np.zeros(1))
    wide = Samples(np.zeros((2, 2), np.float32), np.arange(2))
    with pytest.raises(UserError, match=r"different shapes: train \(1,\), validation \(1,\), test \(2,\)"):
        DataSet("n", "t", "s", "own", ("a", "b"), samples([0, 1]), samples([0]), wide)


def test_the_digits_are_those_of_scikit_learn_in_the_order_of_the_demo():
    """Written out once more: what demo and benchmark learn from must not change."""
    from sklearn.datasets import load_digits

    from tinyprop.bench.digits import new_classes, rotated

    digits = load_digits()
    x = (digits.images / 16.0).astype(np.float32)[:, None]
    order = np.random.default_rng(7).permutation(1797)
    pretrain, field, validation, test = np.split(order, [718, 1257, 1437])
    data = load("digits")
    np.testing.assert_array_equal(data.train.x, x[np.concatenate([pretrain, field])])
    np.testing.assert_array_equal(data.test.y, digits.target[test])
    np.testing.assert_array_equal(rotated().pretrain.x, x[pretrain])
    np.testing.assert_array_equal(rotated().validation.y, digits.target[validation])
    np.testing.assert_array_equal(new_classes().field.x, x[field])
    np.testing.assert_array_equal(new_classes().test.x, x[test])
