"""The judge sees every kind of fault: plans are broken on purpose, one field at a time."""

from dataclasses import replace

import pytest

from tinyprop.errors import InternalError
from tinyprop.plan.judge import judge
from tinyprop.plan.plan import Buffer, Placed, Plan

X, H, MASK, DELTA = (
    Buffer("x", 40, 4, 0, 3),
    Buffer("h", 64, 4, 1, 2),
    Buffer("mask", 6, 1, 1, 3),
    Buffer("δ", 64, 4, 3, 4),
)
BUFFERS = (X, H, MASK, DELTA)
GOOD = Plan(110, (Placed(X, 0), Placed(H, 40), Placed(DELTA, 40), Placed(MASK, 104)), 110)


def moved(index: int, offset: int) -> Plan:
    placed = list(GOOD.placed)
    placed[index] = replace(placed[index], offset=offset)
    return replace(GOOD, placed=tuple(placed))


def test_a_good_plan_passes() -> None:
    judge(GOOD, BUFFERS)


@pytest.mark.parametrize(
    ("plan", "fault"),
    [
        (moved(1, 36), "'x' and 'h' share byte 36 at step 1"),
        (moved(2, 36), "'x' and 'δ' share byte 36 at step 3"),
        (moved(3, 103), "'h' and 'mask' share byte 103 at step 1"),
        (moved(1, 42), "'h' at 42 is not aligned to 4"),
        (moved(3, 105), "'mask' lies outside the arena"),
        (moved(0, -4), "'x' lies outside the arena"),
        (replace(GOOD, arena_bytes=114), "the arena has 114 bytes and needs 110"),
        (replace(GOOD, arena_bytes=109), "'mask' lies outside the arena"),
        (replace(GOOD, lower_bound_bytes=100), "the lower bound says 100, not 110"),
        (replace(GOOD, placed=GOOD.placed[:-1]), "'mask' is not placed as asked"),
        (replace(GOOD, placed=(*GOOD.placed, Placed(MASK, 0))), "'mask' is placed but was not asked for"),
        (replace(GOOD, placed=(Placed(replace(X, last=0), 0), *GOOD.placed[1:])), "'x' is not placed as asked"),
        (
            replace(GOOD, placed=(*GOOD.placed, Placed(Buffer("y", 4, 4, 9, 9), 0))),
            "'y' is placed but was not asked for",
        ),
    ],
)
def test_a_broken_plan_is_refused(plan: Plan, fault: str) -> None:
    with pytest.raises(InternalError) as error:
        judge(plan, BUFFERS)
    assert fault in str(error.value)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(InternalError, match=r"share byte 38.*arena has 114"):
        judge(replace(moved(1, 38), arena_bytes=114), BUFFERS)
