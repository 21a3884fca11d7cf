"""An independent check of a plan: it shares no arithmetic with the planner and believes nothing the plan claims."""

from collections import Counter
from collections.abc import Iterable
from itertools import combinations

from tinyprop.errors import InternalError
from tinyprop.plan.plan import Buffer, Plan


def judge(plan: Plan, buffers: Iterable[Buffer]) -> None:
    """Raises InternalError, listing every fault, unless `plan` is a valid arena for exactly `buffers`."""
    buffers = tuple(buffers)
    faults = [
        *wrongly_listed(plan, buffers),
        *misplaced(plan),
        *collisions(plan),
        *wrong_totals(plan, buffers),
    ]
    if faults:
        raise InternalError(f"the memory plan is wrong: {'; '.join(faults)}.\n{plan}")


def wrongly_listed(plan: Plan, buffers: tuple[Buffer, ...]) -> list[str]:
    """Buffers missing, unknown, changed, or placed more than once; names that two buffers share."""
    asked, given = Counter(buffers), Counter(p.buffer for p in plan.placed)
    names = Counter(b.name for b in buffers)
    return [
        *(f"'{b.name}' is not placed as asked" for b in asked - given),
        *(f"'{b.name}' is placed but was not asked for" for b in given - asked),
        *(f"{count} buffers are called '{name}'" for name, count in names.items() if count > 1),
    ]


def misplaced(plan: Plan) -> list[str]:
    """Buffers outside the arena or off their alignment."""
    outside = [
        f"'{p.buffer.name}' lies outside the arena"
        for p in plan.placed
        if p.offset < 0 or p.offset + p.buffer.bytes > plan.arena_bytes
    ]
    unaligned = [
        f"'{p.buffer.name}' at {p.offset} is not aligned to {p.buffer.align}"
        for p in plan.placed
        if p.offset % p.buffer.align
    ]
    return outside + unaligned


def collisions(plan: Plan) -> list[str]:
    """Pairs that share a byte at some step."""
    faults = []
    for one, other in combinations(plan.placed, 2):
        a, b = one.buffer, other.buffer
        steps = range(max(a.first, b.first), min(a.last, b.last) + 1)
        shared = range(max(one.offset, other.offset), min(one.offset + a.bytes, other.offset + b.bytes))
        if steps and shared:
            faults.append(f"'{a.name}' and '{b.name}' share byte {shared[0]} at step {steps[0]}")
    return faults


def wrong_totals(plan: Plan, buffers: tuple[Buffer, ...]) -> list[str]:
    """An arena that is not what the placement needs, or a lower bound that is not the peak of what is in use."""
    needed = max((p.offset + p.buffer.bytes for p in plan.placed), default=0)
    in_use: Counter[int] = Counter()
    for b in buffers:
        for step in range(b.first, b.last + 1):
            in_use[step] += b.bytes
    peak = max(in_use.values(), default=0)
    return [
        *([f"the arena has {plan.arena_bytes} bytes and needs {needed}"] if plan.arena_bytes != needed else []),
        *([f"the lower bound says {plan.lower_bound_bytes}, not {peak}"] if plan.lower_bound_bytes != peak else []),
    ]
