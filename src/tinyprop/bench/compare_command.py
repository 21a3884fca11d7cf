"""`tinyprop compare`: run what a configuration names, store as it comes, print and write what it comes to."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from rich.console import Console
from rich.markup import escape

from tinyprop.bench.atomic_file import require_writable, write_whole
from tinyprop.bench.compare.archive import read_archive, write_archive
from tinyprop.bench.compare.campaign import campaign, count_steps, run_campaign, uncounted
from tinyprop.bench.compare.config import CompareConfig, checked, load_config
from tinyprop.bench.compare.provenance import code_hash
from tinyprop.bench.compare.store import Store
from tinyprop.bench.compare.summary import summary
from tinyprop.bench.compare.table import LEGEND, json_of, tables
from tinyprop.bench.progress import stage_progress
from tinyprop.bench.whole_table import print_whole
from tinyprop.bench.workers.choose import workers

DEFAULT = Path(__file__).parent / "compare" / "digits.toml"
INTERRUPTED = 130  # as shells say it of Ctrl-C


def compare_command(
    console: Console,
    *,
    config_path: Path | None,
    store_path: Path,
    json_path: Path | None,
    seeds: int | None,
    resume: bool,
    processes: int,
    scheduler: str | None = None,
    tuned: Sequence[Path] = (),
    archive_path: Path | None = None,
) -> int:
    """Exit status: 0, or 130 after Ctrl-C. tuned: files of `tinyprop tune --toml`. Raises UserError as its parts do.

    archive_path: runs that the store takes in at first, and where all of its runs are written to, whatever ends this.
    """
    config = _config(config_path, seeds, tuned)
    for path in (json_path, archive_path):
        if path is not None:
            require_writable(path)
    with Store(store_path) as store, _archived(store, archive_path):
        planned = campaign(config.cells(), store, resume=resume or archive_path is not None)
        if len(planned.open) < len(planned.cells):
            console.print(f"{len(planned.cells) - len(planned.open)} of {len(planned.cells)} runs are stored.")
        try:
            if planned.open:
                with workers(scheduler, processes) as working, stage_progress(console) as advance:
                    run_campaign(planned.open, store, advance, working)
            if config.board is not None and (open_counts := uncounted(planned.cells, config.board, store)):
                with workers(scheduler, processes) as working, stage_progress(console) as advance:
                    missed = count_steps(open_counts, config.board, store, advance, working)
                for sentence in missed:
                    console.print(f"[yellow]note:[/yellow] not counted: {escape(sentence)}", highlight=False)
        except KeyboardInterrupt:
            console.print(f"Stopped. What was finished is stored: go on with --resume. ({store_path})", highlight=False)
            return INTERRUPTED
        rows, counts = store.rows(), store.counts()
    wanted = {cell.key for cell in planned.cells}
    rows = tuple(row for row in rows if row.cell.key in wanted)
    counts = tuple(one for one in counts if one.board == config.board and one.cell.key in wanted)
    if {*(row.provenance["code"] for row in rows), *(one.code for one in counts)} - {code_hash()}:
        console.print("Some of these runs were made by other code than today's; 'provenance' in the store says which.")
    found = summary(rows, planned.cells, counts)
    for table in tables(found):
        print_whole(console, table)
    console.print(LEGEND, highlight=False)
    if json_path is not None:
        made_with = {msgspec.json.encode(row.provenance, order="sorted"): row.provenance for row in rows}
        write_whole(json_path, json_of(found, config, tuple(made_with.values())))
        console.print(f"rows: {json_path}", highlight=False)
    return 0


@contextmanager
def _archived(store: Store, path: Path | None) -> Iterator[None]:
    """Within it the store holds what the archive does, and after it the archive what the store does."""
    if path is None:
        yield
        return
    store.merge(read_archive(path))
    try:
        yield
    finally:
        write_archive(path, store.entries())


def _config(path: Path | None, seeds: int | None, tuned: Sequence[Path]) -> CompareConfig:
    config = load_config(path or DEFAULT, tuned)
    if seeds is None:
        return config
    return checked(msgspec.structs.replace(config, seeds=seeds))
