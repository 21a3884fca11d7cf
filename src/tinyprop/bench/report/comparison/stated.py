"""What the paper states beside what was measured; the figures and their source are in stated.toml."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files

import msgspec

from tinyprop.bench.compare.cell import Variant
from tinyprop.bench.compare.summary import SummaryRow
from tinyprop.bench.report.comparison.records import Beside, PaperBeside

UNMEASURED = "not in this store."


class Claim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A data set of the paper. points: against full training, where the source gives a figure for this set.

    measured_on: name of a data set of ours → what differs. unmeasured: why there is nothing beside it.
    """

    dataset: str
    points: str = ""
    measured_on: Mapping[str, str] = msgspec.field(default_factory=dict)
    unmeasured: str = UNMEASURED


class Paper(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """points, effort: what the source says of all data sets together. everywhere: what differs for all of them."""

    source: str
    method: str
    points: str
    effort: str
    everywhere: tuple[str, ...]
    claims: tuple[Claim, ...]


@cache
def paper() -> Paper:
    """The content of stated.toml."""
    text = files("tinyprop.bench.report.comparison").joinpath("stated.toml").read_bytes()
    return msgspec.toml.decode(text, type=Paper)


def beside(rows: Sequence[SummaryRow], trains: Mapping[tuple[str, str, str], Variant]) -> PaperBeside:
    """Each claim with every row of the paper's method on such data.

    trains: what a variant stands for, by scenario, network and its name.
    """
    stated = paper()
    meant = [(row, trains[row.scenario, row.model, row.method]) for row in rows]
    of_it = [row for row, variant in meant if variant.method == stated.method and variant.trainable is None]
    found = []
    for claim in stated.claims:
        points = claim.points or stated.points
        measured = [row for row in of_it if row.dataset in claim.measured_on]
        found += [Beside(claim.dataset, points, stated.effort, r, claim.measured_on[r.dataset]) for r in measured]
        if not measured:
            found.append(Beside(claim.dataset, points, stated.effort, None, claim.unmeasured))
    return PaperBeside(stated.source, stated.method, tuple(found), (*stated.everywhere, *_differs(found)))


def _differs(rows: Sequence[Beside]) -> Iterator[str]:
    """One sentence for each row that has one; data sets that were not measured for the same reason share theirs."""
    unmeasured: dict[str, list[str]] = {}
    for row in rows:
        if row.measured is None:
            unmeasured.setdefault(row.differs, []).append(row.dataset)
        elif row.differs:
            yield f"{row.dataset} ({row.measured.scenario} · {row.measured.model}): {row.differs}"
    for why, names in unmeasured.items():
        yield f"{', '.join(names)}: {why}"
