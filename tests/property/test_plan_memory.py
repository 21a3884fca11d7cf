"""Plans of random buffers: valid, never below the bound, the same in any order, and as good as an exhaustive search."""

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tinyprop.errors import InternalError
from tinyprop.plan.judge import judge
from tinyprop.plan.memory import plan_memory
from tinyprop.plan.picture import ascii_picture, svg_picture
from tinyprop.plan.placement import arena_bytes, greedy, lowest_fit
from tinyprop.plan.plan import Buffer

QUICK = settings(deadline=None, derandomize=True, max_examples=50)


@st.composite
def buffer_lists(draw: st.DrawFn, most: int) -> list[Buffer]:
    shapes = st.tuples(st.integers(1, 90), st.sampled_from([1, 2, 4, 8]), st.integers(0, 9), st.integers(0, 5))
    drawn = draw(st.lists(shapes, min_size=1, max_size=most))
    return [Buffer(f"b{i}", size, align, first, first + more) for i, (size, align, first, more) in enumerate(drawn)]


def true_overlap(plan_bytes: dict[tuple[int, int], str], name: str, step: int, byte: int) -> bool:
    """Marks one byte at one step; whether somebody else already holds it."""
    return plan_bytes.setdefault((step, byte), name) != name


@QUICK
@given(buffer_lists(most=12), st.randoms(use_true_random=False))
def test_no_byte_is_held_twice_and_order_does_not_matter(buffers: list[Buffer], random: object) -> None:
    plan = plan_memory(buffers)
    held: dict[tuple[int, int], str] = {}
    for p in plan.placed:
        for step in range(p.buffer.first, p.buffer.last + 1):
            assert not any(true_overlap(held, p.buffer.name, step, byte) for byte in range(p.offset, p.end))
    assert plan.lower_bound_bytes <= plan.arena_bytes <= sum(b.bytes + b.align for b in buffers)
    shuffled = list(buffers)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert plan_memory(shuffled) == plan


@QUICK
@given(buffer_lists(most=5))
def test_few_buffers_are_placed_as_well_as_any_order_could(buffers: list[Buffer]) -> None:
    exhaustive = min(arena_bytes(greedy(order, lowest_fit)) for order in permutations(buffers))
    assert plan_memory(buffers).arena_bytes == exhaustive


@QUICK
@given(buffer_lists(most=8), st.data())
def test_the_judge_agrees_with_a_count_of_bytes_when_a_buffer_is_moved(
    buffers: list[Buffer], data: st.DataObject
) -> None:
    plan = plan_memory(buffers)
    index = data.draw(st.integers(0, len(plan.placed) - 1))
    offset = data.draw(st.integers(0, plan.arena_bytes))
    placed = list(plan.placed)
    assume(placed[index].offset != offset)
    placed[index] = replace(placed[index], offset=offset)
    broken = replace(plan, placed=tuple(placed))

    held: dict[tuple[int, int], str] = {}
    valid = max(p.end for p in placed) == plan.arena_bytes and all(p.offset % p.buffer.align == 0 for p in placed)
    for p in placed:
        for step in range(p.buffer.first, p.buffer.last + 1):
            valid &= not any(true_overlap(held, p.buffer.name, step, byte) for byte in range(p.offset, p.end))
    if valid:
        judge(broken, buffers)
    else:
        with pytest.raises(InternalError):
            judge(broken, buffers)


@QUICK
@given(buffer_lists(most=8))
def test_every_plan_has_its_pictures(buffers: list[Buffer]) -> None:
    plan = plan_memory(buffers)
    text, svg = ascii_picture(plan), svg_picture(plan)
    assert all(f" {b.name}: {b.bytes} bytes" in text for b in buffers)
    assert svg.count("<rect") == len(buffers)
    assert svg == svg_picture(plan_memory(buffers))
