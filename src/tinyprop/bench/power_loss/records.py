"""What the cuts of power came to."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Geometry:
    """How a memory is written. block, unit: bytes erased and programmed at once; erases False: EEPROM and FRAM."""

    name: str
    block: int
    unit: int
    erases: bool = True
    slots: int = 2


@dataclass(frozen=True)
class PowerLossCase:
    """One kind of cut on one geometry. tried: cuts made; lost: neither the old state nor the new one was there; mixed:
    what was there was not one of them throughout, or did not train on as it had to; violations: what no such memory
    allows was asked of it. operations: units programmed and blocks erased in one save; state_bytes: what is saved."""

    geometry: str
    kind: str
    tried: int
    lost: int
    mixed: int
    violations: int
    operations: int
    state_bytes: int

    @property
    def is_good(self) -> bool:
        """Nothing was lost."""
        return self.tried > 0 and self.lost == self.mixed == self.violations == 0


@dataclass(frozen=True)
class SaveCost:
    """One save into a slot that holds something else. written, erased: bytes programmed, bytes in erased blocks; raw,
    raw_erased: the same for the state alone, written as it is."""

    geometry: str
    raw: int
    written: int
    raw_erased: int
    erased: int

    @property
    def over_raw(self) -> float:
        """The larger of both ratios to writing the state as it is."""
        return max(self.written / self.raw, self.erased / self.raw_erased if self.raw_erased else 0.0)


@dataclass(frozen=True)
class Rewritten:
    """Share of the blocks of a slot that differ after `steps` steps of `method`, by block size in bytes; means."""

    method: str
    steps: int
    share: Mapping[str, float]


@dataclass(frozen=True)
class PowerLossReport:
    """All of it; version: of tinyprop."""

    version: str
    compiler: str
    cases: tuple[PowerLossCase, ...]
    saves: tuple[SaveCost, ...]
    rewritten: tuple[Rewritten, ...]

    @property
    def bad(self) -> tuple[PowerLossCase, ...]:
        """The cases in which something was lost."""
        return tuple(case for case in self.cases if not case.is_good)
