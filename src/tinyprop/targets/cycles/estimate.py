"""From what was executed to estimated cycles."""

import numpy as np

from tinyprop.errors import InternalError
from tinyprop.targets.cycles.disassembly import Instruction, disassembled
from tinyprop.targets.cycles.timing import Hazard, Rule, Timing
from tinyprop.targets.histogram import Executed


def estimated_cycles(executed: Executed, image: bytes, origin: int, timing: Timing) -> int:
    """Cycles of all that was executed of `image`, whose first byte lies at address `origin`.

    An estimate: exact counts, but per instruction what `timing` says. Raises InternalError, which lists them all, where
    it says nothing of an instruction.
    """
    instructions = _decoded(executed, image, origin)
    rules = timing.rules()
    if unknown := sorted({one.text for one in instructions if one.name not in rules}):
        raise InternalError(f"the timing table of {timing.title} says nothing of: {'; '.join(unknown)}.")
    chosen = [rules[one.name] for one in instructions]
    times, went_on = executed.times.tolist(), executed.went_on.tolist()
    alone = sum(_alone(*row) for row in zip(instructions, chosen, times, went_on, strict=True))
    return alone + sum(
        went_on[i] * _together(instructions[i], instructions[i + 1], chosen[i], chosen[i + 1], timing.hazard)
        for i in np.flatnonzero(_is_followed(executed)).tolist()
    )


def _alone(one: Instruction, rule: Rule, times: int, went_on: int) -> int:
    """Cycles of all executions of one instruction, its neighbours aside."""
    taken = rule.cycles if rule.taken is None else rule.taken
    return rule.per_word * one.words * times + rule.cycles * went_on + taken * (times - went_on)


def _together(
    earlier: Instruction, later: Instruction, rule: Rule, next_rule: Rule, hazards: tuple[Hazard, ...]
) -> int:
    """Cycles more (less) each time the later one comes right behind the earlier one."""
    return sum(
        hazard.cycles
        for hazard in hazards
        if rule.group in hazard.after
        and (not hazard.before or next_rule.group in hazard.before)
        and _applies(hazard, earlier, later)
    )


def _applies(hazard: Hazard, earlier: Instruction, later: Instruction) -> bool:
    if hazard.when == "operand":
        return bool(earlier.writes & (later.reads - later.addend))
    return bool(earlier.writes & later.address_from) == (hazard.when == "address")


def _is_followed(executed: Executed) -> np.ndarray:
    """(N,) bool: whether the next row is the one right behind it in memory."""
    followed = np.zeros(len(executed.address), dtype=bool)
    followed[:-1] = executed.address[:-1] + executed.size[:-1] == executed.address[1:]
    return followed


def _decoded(executed: Executed, image: bytes, origin: int) -> list[Instruction]:
    """One per row. Raises InternalError where Capstone finds no instruction."""
    found: list[Instruction] = []
    cuts = np.flatnonzero(~_is_followed(executed)) + 1
    start = 0
    for cut in cuts.tolist():
        first, last = int(executed.address[start]), int(executed.address[cut - 1] + executed.size[cut - 1])
        part = disassembled(image[first - origin : last - origin])
        if len(part) != cut - start:
            raise InternalError(f"of the code from {first:#x} to {last:#x}, only {len(part)} instructions are known.")
        found += part
        start = cut
    return found
