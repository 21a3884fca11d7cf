"""`tinyprop soak`: a million steps with resets, bad samples and saves that are cut, beside a device left in peace."""

from pathlib import Path

from rich.console import Console

from tinyprop.bench.atomic_file import require_writable, write_whole
from tinyprop.bench.progress import stage_progress
from tinyprop.bench.soak.config import SoakConfig
from tinyprop.bench.soak.json_file import json_of
from tinyprop.bench.soak.run import run_soak
from tinyprop.bench.soak.table import is_good, notes, soak_table, verdicts


def soak_command(console: Console, *, json_path: Path | None, config: SoakConfig | None = None) -> int:
    """Exit status 0 where nothing drifted, 1 otherwise."""
    if json_path is not None:
        require_writable(json_path)
    with stage_progress(console) as advance:
        report = run_soak(advance, config)
    console.print(soak_table(report))
    for line in (*notes(), *verdicts(report)):
        console.print(line, highlight=False)
    if json_path is not None:
        write_whole(json_path, json_of(report))
        console.print(f"counts: {json_path}", highlight=False)
    return 0 if is_good(report) else 1
