"""What engines refuse, and in which words; the weights stay untouched."""

import numpy as np
import pytest

from tinyprop.errors import UserError
from tinyprop.targets import HostEngine
from tinyprop.targets.samples import SampleCheck, checked_parameters

X = np.zeros((3, 2, 2), dtype=np.float32)
Y = np.array([0, 1, 2])
CHECK = SampleCheck(input_shape=(2, 2), outputs=3)


def with_value(index, value):
    x = X.copy()
    x[index] = value
    return x


@pytest.mark.parametrize(
    ("x", "sentence"),
    [
        (X[0], r"samples have shape \(2, 2\), this network takes \(N, 2, 2\); for one sample pass x\[None\]"),
        (X.reshape(3, 4), r"samples have shape \(3, 4\), this network takes \(N, 2, 2\)"),
        (1.0, r"samples have shape \(\)"),
        (X[:0], "no samples were given"),
        (X.astype(complex), "samples have dtype complex128, which is not a real number"),
        (X.astype(str), "samples have dtype <U"),
        (X.astype(object), "samples have dtype object"),
        ([[1.0], [1.0, 2.0]], "samples do not form an array"),
        (with_value((1, 0, 1), np.nan), "sample 1 holds NaN or infinity"),
        (with_value((2, 1, 1), -np.inf), "sample 2 holds NaN or infinity"),
        (np.full((1, 2, 2), 1e39), "sample 0 holds NaN or infinity as float32"),
    ],
)
def test_samples_refused(x, sentence):
    with pytest.raises(UserError, match=sentence):
        CHECK.samples(x)


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.uint8, bool])
def test_samples_of_other_number_types_are_converted(dtype):
    samples = CHECK.samples(np.ones((3, 2, 2), dtype=dtype))
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, np.ones((3, 4)))


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        (Y[:2], "3 samples came with 2 labels"),
        (Y[:, None], r"labels have shape \(3, 1\)"),
        (Y.astype(float), "labels have dtype float64, not an integer type"),
        (np.array([True, False, True]), "labels have dtype bool"),
        ([0, 3, 1], "label 3 of sample 1 is not a class of this network: labels run from 0 to 2"),
        ([0, 1, -1], "label -1 of sample 2 is not a class"),
    ],
)
def test_labels_refused(y, sentence):
    with pytest.raises(UserError, match=sentence):
        CHECK.labels(y, 3)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (np.zeros(4), r"parameters have shape \(4,\), this network takes \(5,\)"),
        (np.array([0, 0, np.nan, 0, 0]), "parameter 2 is NaN or infinite"),
        (["a"] * 5, "parameters have dtype <U1"),
    ],
)
def test_parameters_refused(values, sentence):
    with pytest.raises(UserError, match=sentence):
        checked_parameters(values, 5)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"epochs": 0}, "epochs=0: pass an integer of 1 or more"),
        ({"epochs": 1.5}, "epochs=1.5"),
        ({"epochs": True}, "epochs=True"),
        ({"lr": -0.1}, "lr=-0.1: pass a finite float32 number of 0 or more"),
        ({"lr": float("nan")}, "lr=nan"),
        ({"lr": 1e39}, r"lr=1e\+39"),
        ({"lr": "fast"}, "lr='fast'"),
    ],
)
def test_fit_refuses_settings_and_leaves_the_weights_alone(toy, toy_samples, toy_initial, settings, sentence):
    engine = HostEngine(toy(), (4,))
    with pytest.raises(UserError, match=sentence):
        engine.fit(*toy_samples, **settings)
    np.testing.assert_array_equal(engine.parameters(), toy_initial)


def test_one_bad_sample_anywhere_keeps_the_run_from_starting(toy, toy_samples, toy_initial):
    engine = HostEngine(toy(), (4,))
    x, y = toy_samples[0].copy(), toy_samples[1]
    x[-1, 0] = np.nan
    with pytest.raises(UserError, match="sample 149 holds NaN"):
        engine.fit(x, y)
    np.testing.assert_array_equal(engine.parameters(), toy_initial)


def test_one_bad_label_too(toy, toy_samples, toy_initial):
    engine = HostEngine(toy(), (4,))
    y = toy_samples[1].copy()
    y[-1] = 3
    with pytest.raises(UserError, match="label 3 of sample 149 is not a class"):
        engine.fit(toy_samples[0], y)
    np.testing.assert_array_equal(engine.parameters(), toy_initial)


def test_input_shape_must_be_that_of_the_network(toy):
    with pytest.raises(UserError, match=r"input_shape \(5,\) has 5 elements, the network 4"):
        HostEngine(toy(), (5,))


def test_minus_zero_goes_in_as_zero():
    assert not np.signbit(checked_parameters(np.array([-0.0, 0.0]), 2)).any()
