"""`tinyprop bench-host`: one training step of ours, PyTorch's and ExecuTorch's, timed on this machine."""

from pathlib import Path

from rich.console import Console

from tinyprop.bench.atomic_file import require_writable, write_whole
from tinyprop.bench.on_host.config import HostConfig
from tinyprop.bench.on_host.json_file import json_of
from tinyprop.bench.on_host.run import run_on_host
from tinyprop.bench.on_host.table import host_table, notes, verdicts
from tinyprop.bench.progress import stage_progress


def bench_host_command(console: Console, *, json_path: Path | None, config: HostConfig | None = None) -> int:
    """Exit status 0, whatever the times are: another machine has others."""
    if json_path is not None:
        require_writable(json_path)
    with stage_progress(console) as advance:
        report = run_on_host(advance, config)
    console.print(host_table(report))
    for line in (*notes(report), *verdicts(report)):
        console.print(line, highlight=False)
    if json_path is not None:
        write_whole(json_path, json_of(report))
        console.print(f"times: {json_path}", highlight=False)
    return 0
