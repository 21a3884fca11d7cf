"""Which instructions of an image were executed how often: exact, from the blocks they were executed in."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class LongInstruction(NamedTuple):
    """An instruction is two halfwords long exactly when its first, masked, is at_least this much; else it is one."""

    mask: int
    at_least: int


@dataclass(frozen=True)
class Executed:
    """One row per instruction that was executed at all, by address (N,).

    address: of its first byte · size: 2 or 4 bytes · times: executions · went_on: those after which the instruction
    right behind it in memory came next. A conditional branch was not taken went_on times and taken the others.
    """

    address: np.ndarray
    size: np.ndarray
    times: np.ndarray
    went_on: np.ndarray

    def rows(self, wanted: np.ndarray) -> "Executed":
        """Those where `wanted` (N,) bool."""
        return Executed(self.address[wanted], self.size[wanted], self.times[wanted], self.went_on[wanted])

    @property
    def instructions(self) -> int:
        """Executed in all."""
        return int(self.times.sum())


class Histogram:
    """Counts of blocks by the halfwords where they begin and end, filled by a BlockCounter while profiling.

    entered, left, followed (halfwords + 1,) uint64, as block_counter.c defines them: how a block is cut does not
    matter, so an emulator may cut the same code differently at different times.
    of_function (functions + 1,) uint64: instructions by the number of the function, what it has others do included.
    """

    def __init__(self, halfwords: int, functions: int = 0) -> None:
        self.entered = np.zeros(halfwords + 1, dtype=np.uint64)
        self.left = np.zeros(halfwords + 1, dtype=np.uint64)
        self.followed = np.zeros(halfwords + 1, dtype=np.uint64)
        self.of_function = np.zeros(functions + 1, dtype=np.uint64)

    def executed(self, code: np.ndarray, origin: int, long: LongInstruction) -> Executed:
        """The same by instruction. code: (halfwords,) uint16 from address `origin` on."""
        entered, left, followed = (part.astype(np.int64) for part in (self.entered, self.left, self.followed))
        times = np.cumsum(entered - left)
        in_order = times - entered + followed  # executions that came right behind the halfword before
        first = _first_halfwords(times[:-1] > 0, (code & long.mask) >= long.at_least)
        size = np.where((code[first] & long.mask) >= long.at_least, 4, 2)
        return Executed(origin + 2 * first, size, times[first], in_order[first + size // 2])


def _first_halfwords(executed: np.ndarray, is_long: np.ndarray) -> np.ndarray:
    """Where instructions begin. A stretch of executed halfwords begins with one; what lies between is not code."""
    found: list[int] = []
    behind = 0
    for halfword in np.flatnonzero(executed).tolist():
        if halfword >= behind:
            found.append(halfword)
            behind = halfword + (2 if is_long[halfword] else 1)
    return np.array(found, dtype=np.int64)
