"""Chooses offsets: greedy in a few orders, each order improved, then a bounded exact search; stops at the lower bound.

The result depends on the buffers alone: not on the order they are given in, nor on hashing.
"""

from collections.abc import Callable, Iterable

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
Fit = Callable[[Layout, Buffer], int]


def place(buffers: Iterable[Buffer]) -> Plan:
    """Offsets for `buffers`, in the smallest arena found."""
    named = tuple(sorted(buffers, key=lambda b: b.name))
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
    layout: Layout = ()
    for buffer in ordered:
        layout = (*layout, Placed(buffer, fit(layout, buffer)))
    return layout


def reordered(order: Iterable[Buffer], fit: Fit, bound: int) -> Layout:
    """The best of ROUNDS greedy layouts, in each of which the buffers that reached highest before come first.

    What lies on top was placed too late: many small buffers that live long (masks) had been in the way of a large one.
    """
    order = list(order)
    best = layout = greedy(order, fit)
    for _ in range(ROUNDS):
        if arena_bytes(best) == bound:
            break
        top = arena_bytes(layout)
        highest = [p.buffer for p in layout if p.end == top]
        order = highest + [buffer for buffer in order if buffer not in highest]
        layout = greedy(order, fit)
        best = min(best, layout, key=arena_bytes)
    return best


def gaps(layout: Layout, buffer: Buffer) -> list[tuple[int, int]]:
    """(offset, bytes left over) of every place where `buffer` fits, lowest first; the last is the open end."""
    found = []
    start = free_from = 0
    for offset, size in sorted((p.offset, p.buffer.bytes) for p in layout if p.buffer.meets(buffer)):
        left_over = offset - start - buffer.bytes
        if left_over >= 0:
            found.append((start, left_over))
        if offset + size > free_from:
            free_from = offset + size
            start = aligned(free_from, buffer.align)
    return [*found, (start, 0)]


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
