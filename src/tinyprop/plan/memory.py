"""Plan the arena and have the plan judged."""

from collections.abc import Iterable

from tinyprop.plan.judge import judge
from tinyprop.plan.placement import place
from tinyprop.plan.plan import Buffer, Plan


def plan_memory(buffers: Iterable[Buffer]) -> Plan:
    """The smallest arena found for `buffers`, in whatever order; raises InternalError if it is not valid."""
    buffers = tuple(buffers)
    plan = place(buffers)
    judge(plan, buffers)
    return plan
