"""Plan: where each buffer of a training step lies in the one arena, and for how long."""

from dataclasses import dataclass
from itertools import accumulate

from tinyprop.errors import InternalError


@dataclass(frozen=True)
class Buffer:
    """`bytes` of memory, aligned to `align` bytes, in use from step `first` to step `last`, both included."""

    name: str
    bytes: int
    align: int
    first: int
    last: int

    def __post_init__(self) -> None:
        if self.bytes < 1 or self.align < 1 or not 0 <= self.first <= self.last:
            raise InternalError(f"{self} is no buffer: bytes and align start at 1, and 0 <= first <= last.")

    def meets(self, other: "Buffer") -> bool:
        """Whether both are in use at some step."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Placed:
    """A buffer at the bytes `offset` … `end` - 1 of the arena."""

    buffer: Buffer
    offset: int

    @property
    def end(self) -> int:
        """The first byte behind the buffer."""
        return self.offset + self.buffer.bytes


@dataclass(frozen=True)
class Plan:
    """The arena of one training step.

    placed: one entry per buffer, by offset, then first step, then name. lower_bound_bytes: the most that is in use at
    any one step; no plan can need less.
    """

    arena_bytes: int
    placed: tuple[Placed, ...]
    lower_bound_bytes: int

    def offset_of(self, name: str) -> int:
        """Offset in bytes of the buffer called `name`; raises InternalError when there is none."""
        for placed in self.placed:
            if placed.buffer.name == name:
                return placed.offset
        raise InternalError(f"the plan has no buffer '{name}'.")

    def __str__(self) -> str:
        lines = [f"arena {self.arena_bytes} bytes (lower bound {self.lower_bound_bytes})"]
        for p in self.placed:
            b = p.buffer
            lines.append(f"  {p.offset:>6} … {p.end:<6} steps {b.first} … {b.last}  {b.name}: {b.bytes} bytes")
        return "\n".join(lines)


def most_live_bytes(buffers: tuple[Buffer, ...]) -> int:
    """The most bytes in use at any one step."""
    changes: dict[int, int] = {}
    for b in buffers:
        changes[b.first] = changes.get(b.first, 0) + b.bytes
        changes[b.last + 1] = changes.get(b.last + 1, 0) - b.bytes
    return max(accumulate(changes[step] for step in sorted(changes)), default=0)
