"""What the PyTorch benchmark finds: frozen records without a line of layout."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tinyprop.bench.timed import Timed

DENSE = "dense"


@dataclass(frozen=True)
class PytorchRow(Timed):
    """One way to train one network.

    title: the method's, or DENSE. percent: of the batch that its settings were chosen to skip, None: its defaults.
    steps: in each round; microseconds: per step, one figure per round. skipped: share of all samples, 0 … 1, and
    effort_bwd: multiply-adds over those of full training, both counted by the method, None for DENSE.
    """

    network: str
    title: str
    percent: int | None
    settings: Mapping[str, int | float]
    steps: int
    microseconds: tuple[float, ...]
    skipped: float | None
    effort_bwd: float | None

    @property
    def label(self) -> str:
        """The title, and what it was made to skip."""
        return self.title if self.percent is None else f"{self.title}, {self.percent} %"


@dataclass(frozen=True)
class PytorchReport:
    """rows: network by network, DENSE first. aims: network → times DENSE at most, None: no aim. batch: samples."""

    rows: tuple[PytorchRow, ...]
    aims: Mapping[str, float | None]
    batch: int
    cpu: str
    versions: Mapping[str, str]

    @property
    def networks(self) -> tuple[str, ...]:
        """In their order."""
        return tuple(dict.fromkeys(row.network for row in self.rows))

    def rows_of(self, network: str) -> tuple[PytorchRow, ...]:
        """All of one network, DENSE first."""
        return tuple(row for row in self.rows if row.network == network)

    def over_dense(self, row: PytorchRow) -> float:
        """Its time over DENSE's, round by round, the median: what slows a whole round down slows both."""
        [dense] = [one for one in self.rows_of(row.network) if one.title == DENSE]
        return float(np.median(np.divide(row.microseconds, dense.microseconds)))

    def slowest(self, rows: tuple[PytorchRow, ...]) -> PytorchRow | None:
        """Of these rows, beside DENSE; None of none."""
        return max(rows, key=self.over_dense, default=None)
