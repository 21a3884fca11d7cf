"""Chooses offsets: greedy in a few orders, each order improved, then a bounded exact search; stops at the lower bound.

The result depends on the buffers alone: not on the order they are given in, nor on hashing.
"""

from bisect import insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from tinyprop.plan.plan import Buffer, Placed, Plan, most_live_bytes

SEARCH_BUDGET = 10_000  # placements tried by the exact search: a fraction of a second
ROUNDS = 40  # how often an order is improved; on networks of a hundred buffers about a second for all orders

Ranking = Callable[[Buffer], tuple[int, ...]]

# Largest first is what usually wins; the others rescue the shapes on which it does badly.
RANKINGS: tuple[Ranking, ...] = (
    lambda b: (-b.bytes,),
    lambda b: (-b.bytes * (b.last - b.first + 1),),
    lambda b: (b.first - b.last, -b.bytes),
    lambda b: (b.first, -b.bytes),
    lambda b: (-b.last, -b.bytes),
)

Layout = tuple[Placed, ...]


class Spot(NamedTuple):
    """Where a placed buffer lies, and in which steps: all that the next one has to know of it."""

    offset: int
    end: int
    first: int
    last: int


Fit = Callable[[Sequence[Spot], Buffer], int]


def place(buffers: Iterable[Buffer]) -> Plan:
    """Offsets for `buffers`, in the smallest arena found."""
    return _place(tuple(sorted(buffers, key=lambda b: b.name)))


# Most methods need the same buffers, and a comparison plans for each method, seed and way of compiling.
@lru_cache(maxsize=64)
def _place(named: tuple[Buffer, ...]) -> Plan:
    bound = most_live_bytes(named)
    starts = [(sorted(named, key=rank), fit) for rank in RANKINGS for fit in (best_fit, lowest_fit)]
    best = min((greedy(order, fit) for order, fit in starts), key=arena_bytes)
    for order, fit in starts:
        if arena_bytes(best) > bound:
            best = min(best, reordered(order, fit, bound), key=arena_bytes)
    if arena_bytes(best) > bound:
        best = ExactSearch(named, bound).improved(best)
    ordered = sorted(best, key=lambda p: (p.offset, p.buffer.first, p.buffer.name))
    return Plan(arena_bytes(best), tuple(ordered), bound)


def arena_bytes(layout: Layout) -> int:
    """Bytes from the start of the arena to the end of the last buffer."""
    return max((p.end for p in layout), default=0)


def greedy(ordered: Iterable[Buffer], fit: Fit) -> Layout:
    """Each buffer in turn where `fit` says, never moved again."""
    layout: list[Placed] = []
    spots: list[Spot] = []
    for buffer in ordered:
        offset = fit(spots, buffer)
        layout.append(Placed(buffer, offset))
        insort(spots, spot_of(buffer, offset))
    return tuple(layout)


def reordered(order: Iterable[Buffer], fit: Fit, bound: int) -> Layout:
    """The best of ROUNDS greedy layouts, in each of which the buffers that reached highest before come first.

    What lies on top was placed too late: many small buffers that live long (masks) had been in the way of a large one.
    """
    order = tuple(order)
    tried: set[tuple[Buffer, ...]] = set()
    best = layout = greedy(order, fit)
    least = top = arena_bytes(best)
    while least > bound and len(tried) < ROUNDS and order not in tried:
        tried.add(order)
        highest = tuple(p.buffer for p in layout if p.end == top)
        order = highest + tuple(buffer for buffer in order if buffer not in highest)
        layout = greedy(order, fit)
        top = arena_bytes(layout)
        if top < least:
            best, least = layout, top
    return best


def spot_of(buffer: Buffer, offset: int) -> Spot:
    """The spot of `buffer` at `offset`."""
    return Spot(offset, offset + buffer.bytes, buffer.first, buffer.last)


def gaps(spots: Sequence[Spot], buffer: Buffer) -> Iterator[tuple[int, int]]:
    """(offset, bytes left over) of every place between `spots`, which are sorted, where `buffer` fits, lowest first.

    The last is the open end.
    """
    begin, end, size, align = buffer.first, buffer.last, buffer.bytes, buffer.align
    start = free_from = 0
    # Nearly all of a plan's time: hence a comparison in place and no method.
    for lower, upper in [(lower, upper) for lower, upper, first, last in spots if first <= end and begin <= last]:
        left_over = lower - start - size
        if left_over >= 0:
            yield start, left_over
        if upper > free_from:
            free_from = upper
            start = aligned(free_from, align)
    yield start, 0


def lowest_fit(spots: Sequence[Spot], buffer: Buffer) -> int:
    """The lowest offset at which `buffer` fits."""
    return next(gaps(spots, buffer))[0]


def best_fit(spots: Sequence[Spot], buffer: Buffer) -> int:
    """The gap between buffers that `buffer` fills best, or the open end when it fits into none."""
    *inner, end = gaps(spots, buffer)
    return min(inner, key=lambda gap: gap[1], default=end)[0]


def aligned(offset: int, align: int) -> int:
    """The next multiple of `align` from `offset` on."""
    return -(-offset // align) * align


class ExactSearch:
    """Branch and bound over layouts built from the bottom up.

    Every layout can be compacted until each buffer lies at the lowest offset that those below it leave free, so it
    is enough to place buffers by non-decreasing offset, each at its lowest fit. What is not yet placed has to be
    stacked at or above the last offset: that is the bound that prunes.
    """

    def __init__(self, buffers: tuple[Buffer, ...], bound: int) -> None:
        self.buffers = buffers
        self.bound = bound
        self.budget = SEARCH_BUDGET
        self.best: Layout = ()

    def improved(self, start: Layout) -> Layout:
        """The best layout within the budget; `start` when none is better."""
        self.best = start
        self._extend((), (), self.buffers, 0)
        return self.best

    def _extend(self, layout: Layout, spots: tuple[Spot, ...], rest: tuple[Buffer, ...], floor: int) -> None:
        if not rest:
            self.best = min(self.best, layout, key=arena_bytes)
            return
        children = sorted(
            ((lowest_fit(spots, buffer), buffer) for buffer in rest),
            key=lambda child: (child[0], -child[1].bytes, child[1].name),
        )
        self.budget -= len(children)
        still_needed = most_live_bytes(rest)
        for offset, buffer in children:
            limit = arena_bytes(self.best)
            if self.budget <= 0 or limit == self.bound:
                return
            if offset >= floor and max(offset + still_needed, offset + buffer.bytes) < limit:
                fewer = tuple(b for b in rest if b is not buffer)
                self._extend((*layout, Placed(buffer, offset)), (*spots, spot_of(buffer, offset)), fewer, offset)
