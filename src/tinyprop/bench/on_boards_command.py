"""`tinyprop bench-networks`: count, print, write JSON, fail when a promise does not hold."""

from pathlib import Path

import msgspec
from rich.console import Console

from tinyprop.bench.atomic_file import require_writable, write_whole
from tinyprop.bench.on_boards.config import OnBoardsConfig
from tinyprop.bench.on_boards.run import run_on_boards
from tinyprop.bench.on_boards.table import notes, tables, verdicts
from tinyprop.bench.progress import stage_progress


def on_boards_command(console: Console, *, json_path: Path | None, config: OnBoardsConfig | None = None) -> int:
    """Exit status: 0 when board and host agree everywhere and no sparse step costs more than the dense one."""
    if json_path is not None:
        require_writable(json_path)
    with stage_progress(console) as advance:
        report = run_on_boards(advance, config)
    for table in tables(report):
        console.print(table)
    for line in (*notes(report), *verdicts(report)):
        console.print(line, highlight=False)
    if json_path is not None:
        write_whole(json_path, msgspec.json.format(msgspec.json.encode(report)) + b"\n")
        console.print(f"counts: {json_path}", highlight=False)
    return 1 if report.different_weights() or report.slow_steps() else 0
