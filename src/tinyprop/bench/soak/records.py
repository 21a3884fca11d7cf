"""What the long lives came to."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class SoakRun:
    """One method on one target. steps: of the device in peace; replayed: steps of the other that were made again after
    a reset; cuts: saves in the middle of which power went; lost: starts without a checkpoint; wrong: calls that
    answered otherwise than they have to; mismatches: comparisons in which the two differed; crc: of the state at the
    end; crc_at: (steps, crc) at each tenth. growth: bytes of stack (boards) or of resident memory (host) between a
    tenth of the run and its end; stack_bytes: its depth, 0 on the host."""

    target: str
    method: str
    steps: int
    comparisons: int
    replayed: int
    bad_samples: int
    saves: int
    cuts: int
    resets: int
    lost: int
    wrong: int
    mismatches: int
    violations: int
    crc: str
    crc_at: tuple[tuple[int, str], ...]
    stack_bytes: int
    growth: int

    @property
    def is_good(self) -> bool:
        """Nothing drifted, nothing was lost, nothing grew."""
        return self.resets > 0 and not any((self.lost, self.wrong, self.mismatches, self.violations, self.growth))


@dataclass(frozen=True)
class SoakReport:
    """All of it; version: of tinyprop."""

    version: str
    compiler: str
    seed: int
    runs: tuple[SoakRun, ...]

    def drifted(self) -> Iterator[str]:
        """Methods whose weights differ between two targets after as many steps."""
        for method in dict.fromkeys(run.method for run in self.runs):
            seen: dict[int, str] = {}
            for run in self.runs:
                if run.method == method and any(seen.setdefault(at, crc) != crc for at, crc in run.crc_at):
                    yield f"{method} on {run.target}"
