"""`tinyprop networks`: what training costs in RAM on each network, printed and written."""

from pathlib import Path

from rich.console import Console

from tinyprop.bench.atomic_file import require_writable, write_whole
from tinyprop.bench.network_memory import json_of, network_memory, tables

LEGEND = (
    "trains: a word of `tinyprop memory`. RAM: weights that learn, arena, input and the method's state; without stack. "
    "arena: activations, masks, errors and scratch, overlaid; no plan gets below the bound. infer: arena and input of "
    "the same network that never trains, its weights in flash; ×: RAM over infer."
)


def networks_command(console: Console, *, json_path: Path | None) -> int:
    """Exit status: always 0; raises UserError when the file cannot be written."""
    if json_path is not None:
        require_writable(json_path)
    rows = tuple(network_memory())
    for table in tables(rows):
        console.print(table)
    console.print(LEGEND, highlight=False)
    if json_path is not None:
        write_whole(json_path, json_of(rows))
        console.print(f"rows: {json_path}", highlight=False)
    return 0
