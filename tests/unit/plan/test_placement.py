"""Where the planner puts things."""

from tinyprop.plan.placement import RANKINGS, arena_bytes, best_fit, greedy, lowest_fit, place, spot_of
from tinyprop.plan.plan import Buffer

SHELVES = tuple(
    spot_of(Buffer(name, 10, 1, 0, 9), offset) for name, offset in {"floor": 0, "shelf": 30, "roof": 46}.items()
)


def test_fits_respect_alignment_and_time() -> None:
    assert lowest_fit(SHELVES, Buffer("b", 6, 1, 0, 0)) == 10
    assert best_fit(SHELVES, Buffer("b", 6, 1, 0, 0)) == 40
    assert best_fit(SHELVES, Buffer("b", 6, 4, 0, 0)) == 40
    assert lowest_fit(SHELVES, Buffer("b", 18, 4, 0, 0)) == 12
    assert best_fit(SHELVES, Buffer("b", 19, 4, 0, 0)) == 56
    assert lowest_fit(SHELVES, Buffer("b", 60, 1, 10, 12)) == 0


def test_an_activation_and_a_later_error_share_memory() -> None:
    plan = place([Buffer("activation", 64, 4, 0, 1), Buffer("error", 64, 4, 2, 3)])
    assert plan.arena_bytes == 64


def test_the_exact_search_finds_what_every_greedy_order_misses() -> None:
    buffers = (
        Buffer("a", 5, 1, 1, 1),
        Buffer("b", 4, 1, 4, 5),
        Buffer("c", 3, 1, 4, 4),
        Buffer("d", 5, 1, 0, 3),
        Buffer("e", 3, 1, 2, 5),
    )
    tried = [greedy(sorted(buffers, key=rank), fit) for rank in RANKINGS for fit in (best_fit, lowest_fit)]
    assert min(arena_bytes(layout) for layout in tried) == 11
    assert place(buffers).arena_bytes == 10
