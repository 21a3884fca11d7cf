"""The search under a RAM budget finds what trying everything finds, with far fewer plans."""

from itertools import chain, combinations

import numpy as np
import pytest

from tinyprop.choosing.search import best_within


def untold(_done, _total):
    pass


def problem(seed: int, layers: int = 7):
    """Contributions, bytes, and a memory in which the lowest layer that trains keeps everything above it alive."""
    rng = np.random.default_rng(seed)
    weights = {p: float(v) for p, v in enumerate(rng.normal(1, 2, layers).round(2), start=1)}
    sizes = {p: int(v) for p, v in enumerate(rng.integers(10, 400, layers), start=1)}
    biases = {k: float(v) for k, v in enumerate(rng.normal(0.5, 1, layers).round(2), start=1)}
    kept = rng.integers(0, 60, layers + 1).tolist()

    def memory(places, count):
        return 100 + sum(sizes[p] for p in places) + 3 * count + sum(kept[: max([*places, count // 2, 0])])

    return weights, sizes, biases, memory


def best_of_all(ram, weights, biases, memory):
    subsets = chain.from_iterable(combinations(weights, n) for n in range(len(weights) + 1))
    gains = [
        biases.get(count, 0.0) + sum(weights[p] for p in subset)
        for subset in subsets
        for count in (0, *biases)
        if memory(frozenset(subset), count) <= ram
    ]
    return max(gains)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("ram", [100, 250, 500, 900, 3000])
def test_it_finds_the_best_there_is(seed, ram):
    weights, sizes, biases, memory = problem(seed)
    found = best_within(ram, weights, sizes, biases, memory, untold)
    assert found.gain == pytest.approx(best_of_all(ram, weights, biases, memory))
    own = biases.get(found.biases, 0.0) + sum(weights[p] for p in found.places)
    assert (found.gain, found.ram) == (pytest.approx(own), memory(found.places, found.biases))
    assert found.ram <= ram
    assert found.proven
    assert found.tried < 2 ** len(weights) * len(biases) / 4


def test_what_contributes_nothing_is_left_out():
    _, sizes, _, memory = problem(0)
    found = best_within(10**6, dict.fromkeys(sizes, 0.0) | {3: -1.0}, sizes, {1: 0.0, 2: -2.0}, memory, untold)
    assert (found.places, found.biases, found.gain) == (frozenset(), 0, 0.0)


def test_a_search_that_is_cut_short_says_so():
    weights, sizes, biases, memory = problem(1)
    told = []
    found = best_within(
        *(900, weights, sizes, biases, memory), lambda done, total: told.append((done, total)), most_tried=3
    )
    assert not found.proven
    assert found.ram <= 900
    assert told == [(1, 3), (2, 3), (3, 3), (3, 3)]


def test_it_tells_every_plan_and_ends_with_all_that_it_took():
    weights, sizes, biases, memory = problem(2)
    told, planned = [], []

    def counted(places, count):
        planned.append((places, count))
        return memory(places, count)

    found = best_within(500, weights, sizes, biases, counted, lambda done, total: told.append((done, total)))
    assert told == [*((done, 500) for done in range(1, found.tried + 1)), (found.tried, found.tried)]
    assert found.tried == len(set(planned)) > 10
