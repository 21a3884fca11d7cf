"""Chooses offsets: greedy in a few orders, then a bounded exact search; stops early at the lower bound.

The result depends on the buffers alone: not on the order they are given in, nor on hashing.
"""

from collections.abc import Callable, Iterable

from tinyprop.plan.plan import Buffer, Placed, Plan, most_live_bytes

SEARCH_BUDGET = 10_000  # placements tried by the exact search: a fraction of a second

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


def place(buffers: Iterable[Buffer]) -> Plan:
    """Offsets for `buffers`, in the smallest arena found."""
    named = tuple(sorted(buffers, key=lambda b: b.name))
    bound = most_live_bytes(named)
    best = min(
        (greedy(sorted(named, key=rank), fit) for rank in RANKINGS for fit in (best_fit, lowest_fit)),
        key=arena_bytes,
    )
    if arena_bytes(best) > bound:
        best = ExactSearch(named, bound).improved(best)
    ordered = sorted(best, key=lambda p: (p.offset, p.buffer.first, p.buffer.name))
    return Plan(arena_bytes(best), tuple(ordered), bound)


def arena_bytes(layout: Layout) -> int:
    """Bytes from the start of the arena to the end of the last buffer."""
    return max((p.end for p in layout), default=0)


def greedy(ordered: Iterable[Buffer], fit: Callable[[Layout, Buffer], int]) -> Layout:
    """Each buffer in turn where `fit` says, never moved again."""
    layout: Layout = ()
    for buffer in ordered:
        layout = (*layout, Placed(buffer, fit(layout, buffer)))
    return layout


def gaps(layout: Layout, buffer: Buffer) -> list[tuple[int, int]]:
    """(offset, bytes left over) of every place where `buffer` fits, lowest first; the last is the open end."""
    found = []
    free_from = 0
    for p in sorted((p for p in layout if p.buffer.meets(buffer)), key=lambda p: p.offset):
        left_over = p.offset - (aligned(free_from, buffer.align) + buffer.bytes)
        if left_over >= 0:
            found.append((aligned(free_from, buffer.align), left_over))
        free_from = max(free_from, p.end)
    return [*found, (aligned(free_from, buffer.align), 0)]


def lowest_fit(layout: Layout, buffer: Buffer) -> int:
    """The lowest offset at which `buffer` fits."""
    return gaps(layout, buffer)[0][0]


def best_fit(layout: Layout, buffer: Buffer) -> int:
    """The gap between buffers that `buffer` fills best, or the open end when it fits into none."""
    *inner, end = gaps(layout, buffer)
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
        self._extend((), self.buffers, 0)
        return self.best

    def _extend(self, layout: Layout, rest: tuple[Buffer, ...], floor: int) -> None:
        if not rest:
            self.best = min(self.best, layout, key=arena_bytes)
            return
        children = sorted(
            ((lowest_fit(layout, buffer), buffer) for buffer in rest),
            key=lambda child: (child[0], -child[1].bytes, child[1].name),
        )
        self.budget -= len(children)
        for offset, buffer in children:
            limit = arena_bytes(self.best)
            if self.budget <= 0 or limit == self.bound:
                return
            if offset >= floor and max(offset + most_live_bytes(rest), offset + buffer.bytes) < limit:
                self._extend((*layout, Placed(buffer, offset)), tuple(b for b in rest if b is not buffer), offset)
