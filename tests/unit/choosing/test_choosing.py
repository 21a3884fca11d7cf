"""The two choices on a small network: within their budgets, by their numbers, and in one sentence where none can be."""

import shutil
from itertools import product

import numpy as np
import pytest

import tinyprop
from tinyprop.ir.chain import chain
from tinyprop.ir.ops import Conv2d, Dense, MaxPool2d, ReLU, Reshape
from tinyprop.methods import SparseUpdate, TinyTrain
from tinyprop.methods.chosen_layers import number_of

TOOLCHAIN = "gcc" if shutil.which("gcc") else "zig"
ALL = 10**6


@pytest.fixture(scope="module")
def network():
    convolutions = [Conv2d(1, 4, (3, 3), padding=(1, 1)), ReLU(), MaxPool2d((2, 2), (2, 2)), Reshape()]
    return tinyprop.Network(chain("small", (1, 8, 8), [*convolutions, Dense(64, 12, relu=True), Dense(12, 3)]))


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(1)
    patterns, y = rng.normal(size=(3, 1, 8, 8)), rng.integers(0, 3, 60)
    return (patterns[y] + 2.5 * rng.normal(size=(60, 1, 8, 8))).astype(np.float32), y


@pytest.fixture(scope="module")
def chosen(network, samples):
    told, planned = [], []
    made = tinyprop.choose_sparse_update(
        *(network, *samples),
        ram=ALL,
        lr=0.1,
        toolchain=TOOLCHAIN,
        progress=lambda done, total: told.append((done, total)),
        planning=lambda done, total: planned.append((done, total)),
    )
    assert told == [(done, 5) for done in range(1, 6)]  # nothing, two numbers of biases, two layers' weights
    assert planned[0] == (1, 500)
    assert planned[-1] == (made.found.tried, made.found.tried)
    return made


def ram_of(network, method):
    return network.train(method).memory.training


def test_contributions_are_gains_of_accuracy(network, samples, chosen):
    """Measured again by hand, with what each is a gain over."""
    order = np.random.default_rng(0).permutation(60)
    x, y = samples

    def accuracy(weights, biases):
        with network.train(SparseUpdate(weights, biases)).build("host", TOOLCHAIN) as engine:
            engine.fit(x[order[30:]], y[order[30:]], lr=0.1, seed=0, progress=False)
            return engine.accuracy(x[order[:30]], y[order[:30]])

    alone, biases, second = accuracy(0, 0), accuracy(0, 2), accuracy(0b10, 2)
    assert len({alone, biases, second}) == 3
    assert chosen.contributions.output_layer == alone
    assert chosen.contributions.biases[2] == biases - alone
    assert chosen.contributions.weights[2] == second - biases


def test_without_a_limit_everything_that_contributes_trains(chosen):
    weights, biases = chosen.contributions.weights, chosen.contributions.biases
    assert chosen.method.weights == number_of(p for p, gain in weights.items() if gain > 0)
    assert biases.get(chosen.method.biases, 0.0) == max(0.0, *biases.values())
    assert str(chosen.method) in str(chosen)


def test_it_keeps_to_the_budget_and_nothing_better_does(network, samples):
    ram = ram_of(network, SparseUpdate(0b10, 2))  # the convolution, but not the large dense layer
    made = tinyprop.choose_sparse_update(network, *samples, ram=ram, lr=0.1, toolchain=TOOLCHAIN, progress=False)
    assert ram_of(network, made.method) == made.found.ram <= ram
    gains = made.contributions
    fitting = [
        gains.biases.get(k, 0.0) + sum(gains.weights[p] for p in (1, 2) if number >> (p - 1) & 1)
        for number, k in product(range(4), range(3))
        if ram_of(network, SparseUpdate(number, k)) <= ram
    ]
    assert 2 < len(fitting) < 12
    assert made.found.gain == pytest.approx(max(fitting))


def test_tiny_train_takes_the_best_scores_that_fit(network, samples):
    told = []
    report = {"progress": False, "planning": lambda done, total: told.append((done, total))}
    everything = tinyprop.choose_tiny_train(network, *samples, ram=ALL, **report)
    assert told == [(1, 2), (2, 2)]
    assert everything.method == TinyTrain(3)
    assert everything.compute == 1
    first, second = sorted(everything.score, key=lambda p: -everything.score[p])
    ram = ram_of(network, TinyTrain(number_of([first])))
    tight = tinyprop.choose_tiny_train(network, *samples, ram=ram, progress=False)
    assert tight.method == TinyTrain(number_of([first]))
    assert tight.ram == ram
    below = tinyprop.choose_tiny_train(network, *samples, ram=ALL, compute=tight.compute - 0.001, progress=False)
    assert below.method in (TinyTrain(0), TinyTrain(number_of([second])))  # the first is passed over
    assert below.compute < tight.compute
    assert str(tight.method) in str(tight)


def test_scores_are_fisher_information_by_cost(network, samples):
    made = tinyprop.choose_tiny_train(network, *samples, ram=ALL, progress=False)
    # p = 2 is the convolution: 4·9 + 4 parameters and 64·4·9 multiply-adds; p = 1 the dense layer, 64·12.
    cost = {2: (40, 64 * 36), 1: (64 * 12 + 12, 64 * 12)}
    assert made.score[1] / made.fisher[1] == pytest.approx(64 * 36 / (64 * 12))
    assert made.score[2] / made.fisher[2] == pytest.approx(cost[1][0] / cost[2][0])


def test_a_budget_that_nothing_meets_names_the_least(network, samples):
    least = ram_of(network, SparseUpdate(0, 0))
    sentence = f"a budget of {least - 1:,} bytes of RAM is too small: to train the output layer alone takes {least:,}"
    for choose in (tinyprop.choose_sparse_update, tinyprop.choose_tiny_train):
        with pytest.raises(tinyprop.UserError, match=sentence):
            choose(network, *samples, ram=least - 1)
    with pytest.raises(tinyprop.UserError, match=r"compute=0\.0 is too small: the output layer alone takes 0\.0"):
        tinyprop.choose_tiny_train(network, *samples, ram=ALL, compute=0.0)


def test_bad_input_is_refused_in_a_sentence(network, samples):
    x, y = samples
    with pytest.raises(tinyprop.UserError, match="x holds 60 samples and y 59 truths"):
        tinyprop.choose_sparse_update(network, x, y[1:], ram=ALL)
    for held_out in (0, 1, 0.001, -0.5, float("nan")):
        with pytest.raises(tinyprop.UserError, match="leaves none to judge by, or none to learn from"):
            tinyprop.choose_sparse_update(network, x, y, ram=ALL, held_out=held_out)
    one = tinyprop.Network(chain("one", (4,), [Dense(4, 3)]))
    with pytest.raises(
        tinyprop.UserError, match="'one' has no layer below its output layer: there is nothing to choose"
    ):
        tinyprop.choose_tiny_train(one, np.zeros((1, 4), np.float32), [0], ram=ALL)
    with pytest.raises(tinyprop.UserError, match="compute=2, which is no fraction"):
        tinyprop.choose_tiny_train(network, x, y, ram=ALL, compute=2)
