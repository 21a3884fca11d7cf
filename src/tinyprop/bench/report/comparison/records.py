"""What the report of a comparison is made from: frozen records without a line of layout."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tinyprop.bench.compare.cell import Variant
from tinyprop.bench.compare.summary import DENSE, SummaryRow


@dataclass(frozen=True)
class Curve:
    """How a variant learned, mean over the seeds.

    steps, accuracy (P,): training steps so far, percent of the test part; half (P,): half of the 95 % interval, None
    where one seed says nothing of it.
    """

    variant: str
    steps: np.ndarray
    accuracy: np.ndarray
    half: np.ndarray | None


@dataclass(frozen=True)
class KeptOverTime:
    """share (P, T): of each layer's δ, mean over the seeds and over the steps since the point before; steps (P,)."""

    variant: str
    steps: np.ndarray
    share: np.ndarray


@dataclass(frozen=True)
class DataLabel:
    """A data set, as results are filed and as it is called. stands_in_for: the set it must not be taken for."""

    name: str
    title: str
    stands_in_for: str | None = None


@dataclass(frozen=True)
class Case:
    """A scenario with a network. what: happens in it. kept: of variants that select, and may be empty.

    curves and steps: none where there are rows but no runs. seeds: of all rows together. over_last_layer: points by
    which full training beats training the last layer alone, None where one of them is not among the rows.
    """

    scenario: str
    model: str
    data: DataLabel
    what: str
    rows: tuple[SummaryRow, ...]
    curves: tuple[Curve, ...]
    layers: tuple[str, ...]
    kept: tuple[KeptOverTime, ...]
    seeds: tuple[int, ...]
    field_epochs: int
    steps: int | None
    over_last_layer: float | None

    @property
    def full(self) -> SummaryRow | None:
        """The row that the others are measured against."""
        return next((row for row in self.rows if row.difference_mean is not None and row.method == DENSE), None)

    @property
    def forward_alone(self) -> float | None:
        """The cost to accuracy that is left when only the forward pass costs anything; as in a SummaryRow."""
        return None if self.full is None else self.full.forward_alone


@dataclass(frozen=True)
class InShort:
    """A variant over all cases in which full training stands beside it. points_*: against full training; cost: mean of
    those cases in which it is known, `cost_cases` of them. instructions: of all steps, over those of plain full
    training; cost_in_instructions: as cost; both of the cases in which that is known."""

    variant: str
    cases: int
    points_mean: float
    points_worst: float
    effort_bwd: float
    effort_bwd_worst: float
    effort_total: float
    cost: float | None
    cost_cases: int
    instructions: float | None = None
    cost_in_instructions: float | None = None


@dataclass(frozen=True)
class Compared:
    """What a variant's name stands for. rates: network → learning rate."""

    name: str
    trains: Variant
    rates: Mapping[str, float]


@dataclass(frozen=True)
class Beside:
    """A claim of the paper, and a row measured beside it, where there is one.

    stated_*: as the source says it; differs: what is not as in the source.
    """

    dataset: str
    stated_points: str
    stated_effort: str
    measured: SummaryRow | None
    differs: str


@dataclass(frozen=True)
class PaperBeside:
    """All claims, their source, and in sentences what differs from it, for all of them and for one or the other."""

    source: str
    method: str
    rows: tuple[Beside, ...]
    differs: tuple[str, ...]


@dataclass(frozen=True)
class ComparisonReport:
    """Everything on the page. facts: (name, value); warnings: what a reader must know before the numbers; board: on
    which instructions were counted, as readers call it, None where none were."""

    title: str
    cases: tuple[Case, ...]
    in_short: tuple[InShort, ...]
    compared: tuple[Compared, ...]
    beside: PaperBeside
    warnings: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    provenance: tuple[Mapping[str, str], ...]
    config: str
    board: str | None = None
