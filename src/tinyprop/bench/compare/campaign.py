"""All cells of a comparison, in a few processes; each outcome is stored as it comes."""

import multiprocessing
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tinyprop.bench.compare.cell import Cell
from tinyprop.bench.compare.experiment import data_hash, pretrain, run
from tinyprop.bench.compare.provenance import provenance
from tinyprop.bench.compare.store import Row, Store
from tinyprop.bench.parallel import in_parallel
from tinyprop.bench.progress import Advance
from tinyprop.errors import UserError


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


def run_campaign(cells: Sequence[Cell], store: Store, advance: Advance, processes: int) -> None:
    """Runs `cells`. advance: told (stage, done, in all).

    Raises UserError when a process dies; KeyboardInterrupt passes. Either way, what was finished is in the store.
    """
    spawn = multiprocessing.get_context("spawn")  # forking a process in which torch has run may hang
    with ProcessPoolExecutor(processes, mp_context=spawn) as pool:
        try:
            starts = _pretrained(cells, pool, partial(advance, "pretraining"))
            hashes = {name: data_hash(name) for name in dict.fromkeys(cell.scenario for cell in cells)}
            futures = {pool.submit(run, cell, starts[cell.pretraining]): cell for cell in cells}
            advance("learning", 0, len(cells))
            for done, future in enumerate(as_completed(futures), start=1):
                cell = futures[future]
                made_with = {**provenance(), "data": hashes[cell.scenario]}
                store.append(Row(cell, future.result(), made_with))
                advance("learning", done, len(cells))
        except BrokenProcessPool as error:
            raise UserError(
                "a process of the comparison died, out of memory perhaps: what was finished is stored; go on with "
                "--resume, with fewer --processes if it happens again."
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _pretrained(
    cells: Sequence[Cell], pool: ProcessPoolExecutor, report: Callable[[int, int], None]
) -> Mapping[tuple[str, str, int, int], Path]:
    """A file of weights for each pretraining that the cells share."""
    first = {cell.pretraining: cell for cell in reversed(cells)}
    return dict(zip(first, in_parallel([pool.submit(pretrain, cell) for cell in first.values()], report), strict=True))
