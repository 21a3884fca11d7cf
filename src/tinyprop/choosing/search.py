"""Which layers' weights and how many layers' biases contribute most within a RAM budget: branch and bound."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tinyprop.targets.progress import Report

MOST_TRIED = 500  # plans: a hundredth of a second each for DS-CNN, far more for networks of fifty layers

Memory = Callable[[frozenset[int], int], int]


@dataclass(frozen=True)
class Found:
    """places: p of the layers whose weights train; biases: of how many layers below the output they do.

    gain: sum of contributions; ram: bytes; tried: how many configurations were planned; proven: nothing better fits,
    as far as training more never takes less memory for activations. False: the search was cut short.
    """

    places: frozenset[int]
    biases: int
    gain: float
    ram: int
    tried: int
    proven: bool


class _TriedEnough(Exception):
    """The search has planned as many configurations as it may."""


def best_within(
    ram: int,
    weights: Mapping[int, float],
    sizes: Mapping[int, int],
    biases: Mapping[int, float],
    memory: Memory,
    report: Report,
    most_tried: int = MOST_TRIED,
) -> Found:
    """The configuration of the largest sum of contributions whose `memory` is within `ram` bytes; of equals, the first.

    weights: p → contribution of that layer's weights; sizes: p → their bytes; biases: k → contribution of the biases of
    the last k layers. What contributes nothing or less is left out. memory(∅, 0) must be within `ram`.
    report: told plans made, of `most_tried` at most, and at the end of as many as it took.
    """
    search = _Search(ram, weights, sizes, biases, memory, report, most_tried)
    try:
        for count in _worth_trying(biases):
            search.descend(frozenset(), count, 0)
    except _TriedEnough:
        search.proven = False
    report(len(search.planned), len(search.planned))
    places, count = search.best
    return Found(places, count, search.gain, memory(places, count), len(search.planned), search.proven)


def _worth_trying(biases: Mapping[int, float]) -> list[int]:
    """0 and every k that contributes more than any smaller one, which costs less; the largest contribution first."""
    worth, most = [0], 0.0
    for k in sorted(k for k in biases if k > 0):
        if biases[k] > most:
            worth.append(k)
            most = biases[k]
    return worth[::-1]


class _Search:
    """items: layers of positive contribution, the most per byte first. best, gain: the best that fits so far."""

    def __init__(
        self,
        ram: int,
        weights: Mapping[int, float],
        sizes: Mapping[int, int],
        biases: Mapping[int, float],
        memory: Memory,
        report: Report,
        most_tried: int,
    ) -> None:
        self.ram, self.weights, self.sizes, self.biases = ram, weights, sizes, biases
        self.memory, self.report, self.most_tried = memory, report, most_tried
        self.items = sorted((p for p in weights if weights[p] > 0), key=lambda p: (-weights[p] / sizes[p], p))
        self.best: tuple[frozenset[int], int] = (frozenset(), 0)
        self.gain = 0.0
        self.planned: dict[tuple[frozenset[int], int], int] = {}
        self.proven = True

    def descend(self, places: frozenset[int], count: int, item: int) -> None:
        """Looks at `places`, and at every set that adds some of the items from number `item` on."""
        needed = self._planned(places, count)
        if needed > self.ram:
            return  # nothing is saved by training more
        gain = self._gain(places, count)
        if gain > self.gain:
            self.best, self.gain = (places, count), gain
        for number in range(item, len(self.items)):
            if gain + self._most_from(number, self.ram - needed) <= self.gain:
                return
            self.descend(places | {self.items[number]}, count, number + 1)

    def _gain(self, places: frozenset[int], count: int) -> float:
        return self.biases.get(count, 0.0) + sum(self.weights[p] for p in sorted(places))

    def _most_from(self, number: int, room: int) -> float:
        """What the items from `number` on could add in `room` bytes if a part of a layer were allowed."""
        most = 0.0
        for p in self.items[number:]:
            if self.sizes[p] > room:
                return most + self.weights[p] * room / self.sizes[p]
            most, room = most + self.weights[p], room - self.sizes[p]
        return most

    def _planned(self, places: frozenset[int], count: int) -> int:
        if (places, count) not in self.planned:
            if len(self.planned) >= self.most_tried:
                raise _TriedEnough
            self.planned[places, count] = self.memory(places, count)
            self.report(len(self.planned), self.most_tried)
        return self.planned[places, count]
