"""`tinyprop powerloss`: power cut at every operation of the flash while a device saves what it has learned."""

from pathlib import Path

from rich.console import Console

from tinyprop.bench.atomic_file import require_writable, write_whole
from tinyprop.bench.power_loss.config import PowerLossConfig
from tinyprop.bench.power_loss.json_file import json_of
from tinyprop.bench.power_loss.run import run_power_loss
from tinyprop.bench.power_loss.table import cases_table, is_good, notes, rewritten_table, saves_table, verdicts
from tinyprop.bench.progress import stage_progress


def power_loss_command(console: Console, *, json_path: Path | None, config: PowerLossConfig | None = None) -> int:
    """Exit status 0 where nothing was lost, 1 otherwise."""
    if json_path is not None:
        require_writable(json_path)
    with stage_progress(console) as advance:
        report = run_power_loss(advance, config)
    for table in (cases_table(report), saves_table(report)):
        console.print(table)
    if report.rewritten:
        console.print(rewritten_table(report))
    for line in (*notes(), *verdicts(report)):
        console.print(line, highlight=False)
    if json_path is not None:
        write_whole(json_path, json_of(report))
        console.print(f"counts: {json_path}", highlight=False)
    return 0 if is_good(report) else 1
