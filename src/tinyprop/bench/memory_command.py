"""`tinyprop memory`: the bytes of each choice of what trains, as a table and as JSON."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from tinyprop.bench.atomic_file import write_whole
from tinyprop.cost.memory import MemoryCost
from tinyprop.ir.choices import CHOICES

COLUMNS = ("trainable", "parameters", "weights", "optimizer", "arena", "training", "inference", "ratio", "frozen, flash")
NOTE = (
    "RAM in bytes. weights: those that learn; arena: activations, errors and scratch; training: these, the method's "
    "state and one sample; inference: a model that never trains; ratio: training over inference. frozen: weights "
    "that never change, read in flash."
)


def memory_command(console: Console, costs: Mapping[str, MemoryCost], *, json_path: Path | None) -> int:
    """Prints `costs`, choice → bytes, and writes them where asked. Exit status 0. Raises UserError as writing does."""
    console.print(table(costs))
    for word in costs:
        console.print(f"{word}: {CHOICES[word].summary}", highlight=False)
    console.print(NOTE, highlight=False)
    if json_path is not None:
        write_whole(json_path, json_of(costs))
        console.print(f"bytes: {json_path}", highlight=False)
    return 0


def table(costs: Mapping[str, MemoryCost]) -> Table:
    """One line per choice."""
    made = Table(title="What each choice of trainable parameters costs", title_justify="left")
    for column in COLUMNS:
        made.add_column(column, justify="left" if column == "trainable" else "right", no_wrap=True)
    for word, cost in costs.items():
        numbers = (cost.parameters, cost.weights, cost.optimizer, cost.arena, cost.training, cost.inference)
        made.add_row(word, *(f"{number:,}" for number in numbers), f"{cost.over_inference:.2f}", f"{cost.frozen:,}")
    return made


def json_of(costs: Mapping[str, MemoryCost]) -> bytes:
    """choice → every field of `MemoryCost`, in bytes, and "parameters", "model", "training", "over_inference"."""
    content = {
        word: asdict(cost)
        | {name: getattr(cost, name) for name in ("parameters", "model", "training", "over_inference")}
        for word, cost in costs.items()
    }
    return msgspec.json.format(msgspec.json.encode(content)) + b"\n"
