"""`tinyprop choose`: which layers train, measured on samples of the task; a table and the settings to type."""

from dataclasses import asdict
from functools import partial
from pathlib import Path

import msgspec
from rich.console import Console

from tinyprop.bench.atomic_file import require_writable, write_whole
from tinyprop.bench.npz_arrays import npz_arrays
from tinyprop.bench.progress import stage_progress
from tinyprop.choosing import ChosenSparseUpdate, ChosenTinyTrain, choose_sparse_update, choose_tiny_train
from tinyprop.errors import unknown_name
from tinyprop.surface import Network

CHOSEN = ("sparse_update", "tiny_train")


def choose_command(
    console: Console,
    network: Network,
    samples: Path,
    method: str,
    *,
    ram: int,
    compute: float,
    lr: float,
    epochs: int,
    held_out: float,
    json_path: Path | None,
) -> int:
    """Prints what was measured and chosen, and writes it where asked. Exit status 0. Raises UserError."""
    if method not in CHOSEN:
        raise unknown_name("method to choose for", method, CHOSEN)
    if json_path is not None:
        require_writable(json_path)
    x, y = npz_arrays(samples, "x", "y")
    with stage_progress(console) as advance:
        measuring, planning = partial(advance, "measuring"), partial(advance, "planning")
        chosen: ChosenSparseUpdate | ChosenTinyTrain
        if method == "tiny_train":
            chosen = choose_tiny_train(
                *(network, x, y), ram=ram, compute=compute, progress=measuring, planning=planning
            )
        else:
            chosen = choose_sparse_update(
                *(network, x, y),
                ram=ram,
                lr=lr,
                epochs=epochs,
                held_out=held_out,
                progress=measuring,
                planning=planning,
            )
    console.print(str(chosen), highlight=False, soft_wrap=True)
    settings = " ".join(f"--set.{name} {value}" for name, value in asdict(chosen.method).items())
    console.print(f"To train so: --method {method} {settings}", highlight=False, soft_wrap=True)
    if json_path is not None:
        row = {"name": method, "settings": asdict(chosen.method), "ram": ram, "chosen": chosen}
        write_whole(json_path, msgspec.json.format(msgspec.json.encode(row)) + b"\n")
        console.print(f"chosen: {json_path}", highlight=False)
    return 0
