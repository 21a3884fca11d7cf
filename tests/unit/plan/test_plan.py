"""Buffers, plans and their printed form."""

import pytest

from tinyprop.errors import InternalError
from tinyprop.plan.memory import plan_memory
from tinyprop.plan.plan import Buffer, Placed, Plan, most_live_bytes


def test_buffers_meet_when_they_share_a_step() -> None:
    early, late = Buffer("early", 4, 4, 0, 2), Buffer("late", 4, 4, 2, 3)
    assert early.meets(late)
    assert late.meets(early)
    assert not early.meets(Buffer("later", 4, 4, 3, 3))


@pytest.mark.parametrize(("size", "align", "first", "last"), [(0, 4, 0, 0), (4, 0, 0, 0), (4, 4, 2, 1), (4, 4, -1, 1)])
def test_a_buffer_of_nothing_or_never_is_refused(size: int, align: int, first: int, last: int) -> None:
    with pytest.raises(InternalError, match="is no buffer"):
        Buffer("b", size, align, first, last)


def test_the_lower_bound_is_the_peak_of_what_is_in_use() -> None:
    buffers = (Buffer("a", 100, 4, 0, 1), Buffer("b", 40, 4, 1, 3), Buffer("c", 70, 4, 2, 3))
    assert most_live_bytes(buffers) == 140
    assert most_live_bytes(()) == 0


def test_a_plan_knows_its_offsets_and_prints_itself() -> None:
    plan = Plan(48, (Placed(Buffer("x", 40, 4, 0, 2), 0), Placed(Buffer("mask", 8, 1, 1, 2), 40)), 48)
    assert plan.offset_of("mask") == 40
    assert str(plan).splitlines() == [
        "arena 48 bytes (lower bound 48)",
        "       0 … 40     steps 0 … 2  x: 40 bytes",
        "      40 … 48     steps 1 … 2  mask: 8 bytes",
    ]
    with pytest.raises(InternalError, match="no buffer 'y'"):
        plan.offset_of("y")


def test_nothing_needs_no_arena() -> None:
    assert plan_memory([]) == Plan(0, (), 0)


def test_two_buffers_of_one_name_are_refused() -> None:
    with pytest.raises(InternalError, match="2 buffers are called 'a'"):
        plan_memory([Buffer("a", 4, 4, 0, 0), Buffer("a", 8, 4, 1, 1)])
