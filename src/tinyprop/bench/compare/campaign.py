"""All cells of a comparison, given to workers; each outcome is stored as it comes."""

from collections.abc import Sequence
from dataclasses import dataclass

from tinyprop.bench.compare.cell import Cell
from tinyprop.bench.compare.count import Count
from tinyprop.bench.compare.jobs import named, on_board, on_test, shipped
from tinyprop.bench.compare.provenance import provenance
from tinyprop.bench.compare.store import Row, Store
from tinyprop.bench.progress import Advance
from tinyprop.bench.workers.workers import Lost, Workers
from tinyprop.errors import UserError

SHOWN = 3  # lost runs that a sentence names

Pretraining = tuple[str, str, int, int]


@dataclass(frozen=True)
class Campaign:
    """cells: all of them; open: those that have no outcome yet."""

    cells: tuple[Cell, ...]
    open: tuple[Cell, ...]


def campaign(cells: Sequence[Cell], store: Store, *, resume: bool) -> Campaign:
    """What is left to do. Raises UserError when some is done already and nobody said to go on from there."""
    done = store.keys()
    found = Campaign(tuple(cells), tuple(cell for cell in cells if cell.key not in done))
    if len(found.open) < len(cells) and not resume:
        raise UserError(
            f"the store holds {len(cells) - len(found.open)} of these {len(cells)} runs already: add --resume to go on "
            "from there, or name another store."
        )
    return found


def run_campaign(cells: Sequence[Cell], store: Store, advance: Advance, workers: Workers) -> None:
    """Runs `cells`. advance: told (stage, done, in all).

    A run whose worker dies is run again; when that dies too, the others are run and then UserError names it. Whatever
    is raised, KeyboardInterrupt included, what was finished is in the store.
    """
    starts, lost = weights_to_ship(cells, advance, workers)
    stored = {row.cell.pretraining: row for row in store.rows()}
    ready = [cell for cell in cells if cell.pretraining in starts]
    advance("learning", 0, len(ready))
    jobs = [(cell, starts[cell.pretraining]) for cell in ready]
    for done, (number, row) in enumerate(workers.each(on_test, jobs), start=1):
        if isinstance(row, Lost):
            lost.append(f"{named(ready[number])}: {row.reason}")
        else:
            _require_same_start(row, stored.get(row.cell.pretraining))
            store.append(row)
        advance("learning", done, len(ready))
    if lost:
        raise UserError(not_done(lost))


def _require_same_start(row: Row, other: Row | None) -> None:
    """Raises UserError where a stored run of the same scenario, network and seed started from other weights."""
    if other is not None and not row.outcome.same_start(other.outcome):
        raise UserError(
            f"{named(row.cell)} started from other weights than {other.cell.variant}, which is in the store: "
            "pretraining gives others on another processor or with other versions, and differences seed by seed would "
            "mean nothing. Go on where those runs were made, or name another store, for which all are made anew."
        )


def count_steps(cells: Sequence[Cell], board: str, store: Store, advance: Advance, workers: Workers) -> tuple[str, ...]:
    """Counts a few steps of each of `cells` on `board`. Returns a sentence for each that could not be counted."""
    starts, lost = weights_to_ship(cells, advance, workers)
    ready = [cell for cell in cells if cell.pretraining in starts]
    advance("counting", 0, len(ready))
    jobs = [(cell, starts[cell.pretraining], board) for cell in ready]
    for done, (number, found) in enumerate(workers.each(on_board, jobs), start=1):
        if isinstance(found, Count):
            store.append_count(found, provenance())
        else:
            lost.append(f"{named(ready[number])}: {found.reason if isinstance(found, Lost) else found}")
        advance("counting", done, len(ready))
    return tuple(lost)


def uncounted(cells: Sequence[Cell], board: str, store: Store) -> tuple[Cell, ...]:
    """Of each scenario, network and variant the first cell, if nothing of it has been counted on `board`."""
    first = dict[tuple[str, str, str], Cell]()
    for cell in cells:
        first.setdefault((cell.scenario, cell.model, cell.variant), cell)
    known = {count.cell.key for count in store.counts() if count.board == board}
    return tuple(cell for cell in first.values() if cell.key not in known)


def weights_to_ship(
    cells: Sequence[Cell], advance: Advance, workers: Workers
) -> tuple[dict[Pretraining, bytes], list[str]]:
    """Of each pretraining that the cells share; and a sentence for each that was lost."""
    by_start = dict[Pretraining, Cell]()
    for cell in cells:
        by_start.setdefault(cell.pretraining, cell)
    first = list(by_start.values())
    starts, lost = dict[Pretraining, bytes](), list[str]()
    advance("pretraining", 0, len(first))
    for done, (number, weights) in enumerate(workers.each(shipped, [(cell,) for cell in first]), start=1):
        if isinstance(weights, Lost):
            cell = first[number]
            lost.append(f"pretraining of {cell.model} for {cell.scenario}, seed {cell.seed}: {weights.reason}")
        else:
            starts[first[number].pretraining] = weights
        advance("pretraining", done, len(first))
    return starts, lost


def not_done(lost: Sequence[str]) -> str:
    """The sentence about what was lost."""
    more = f"; and {len(lost) - SHOWN} more" if len(lost) > SHOWN else ""
    return (
        f"{'; '.join(lost[:SHOWN])}{more}. All else is stored: go on with --resume, with fewer --processes if it "
        "happens again."
    )
