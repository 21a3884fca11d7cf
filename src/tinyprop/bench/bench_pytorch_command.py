"""`tinyprop bench-pytorch`: one training step in PyTorch under every method, timed on this machine beside dense."""

from pathlib import Path

from rich.console import Console

from tinyprop.bench.atomic_file import require_writable, write_whole
from tinyprop.bench.on_pytorch.config import PytorchConfig
from tinyprop.bench.on_pytorch.json_file import json_of
from tinyprop.bench.on_pytorch.run import run_on_pytorch
from tinyprop.bench.on_pytorch.table import notes, pytorch_table, verdicts
from tinyprop.bench.progress import stage_progress


def bench_pytorch_command(console: Console, *, json_path: Path | None, config: PytorchConfig | None = None) -> int:
    """Exit status 0, whatever the times are: another machine has others."""
    if json_path is not None:
        require_writable(json_path)
    with stage_progress(console) as advance:
        report = run_on_pytorch(advance, config)
    console.print(pytorch_table(report))
    for line in (*notes(report), *verdicts(report)):
        console.print(line, highlight=False)
    if json_path is not None:
        write_whole(json_path, json_of(report))
        console.print(f"times: {json_path}", highlight=False)
    return 0
