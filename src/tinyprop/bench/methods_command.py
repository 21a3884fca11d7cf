"""`tinyprop methods`: a line per training method, with what it needs in RAM and whether a device can run it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from tinyprop.bench.atomic_file import require_writable, write_whole
from tinyprop.codegen.rule_calls import without_twins
from tinyprop.errors import UserError
from tinyprop.ir.chain import chain
from tinyprop.ir.ops import Dense
from tinyprop.methods import METHODS, Method
from tinyprop.surface import Network


@dataclass(frozen=True)
class MethodLine:
    """settings: name → default. ram_bytes: to train the network, one sample included; device: the engine can.

    refused: why the method with its defaults cannot train this network, "" where it can; ram_bytes is 0 then.
    """

    name: str
    title: str
    summary: str
    settings: Mapping[str, float]
    ram_bytes: int
    device: bool
    refused: str = ""


def example_network() -> Network:
    """64-32-16-10 with ReLUs: the benchmark's MLP-S, with other weights."""
    layers = [Dense(64, 32, relu=True), Dense(32, 16, relu=True), Dense(16, 10)]
    return Network(chain("mlp_64_32_16_10", (64,), layers))


def methods_command(
    console: Console, network: Network | None, *, loss: str = "cross_entropy", json_path: Path | None
) -> int:
    """Prints the methods, their bytes for `network` or for an example, and writes them where asked. Exit status 0."""
    if json_path is not None:
        require_writable(json_path)
    shown = example_network() if network is None else network
    lines = [line_of(method(), shown, loss) for method in METHODS.values()]
    console.print(table(lines))
    whose = (
        f"of '{shown.program.name}'" if network else "of an example, 64-32-16-10; `tinyprop methods MODEL` for yours"
    )
    console.print(
        f"RAM: bytes to train all that the method trains, {whose}: weights that learn, activations, errors, state, one "
        "sample. device: every rule has a twin in the C engine.",
        highlight=False,
    )
    if json_path is not None:
        write_whole(json_path, msgspec.json.format(msgspec.json.encode(lines)) + b"\n")
        console.print(f"methods: {json_path}", highlight=False)
    return 0


def line_of(method: Method, network: Network, loss: str) -> MethodLine:
    """What there is to say of `method` for `network`."""
    settings = {field.name: getattr(method, field.name) for field in fields(method)}
    about = (method.name, method.title, method.summary, settings)
    try:
        trainer = network.train(method, loss)
    except UserError as refusal:
        return MethodLine(*about, 0, False, str(refusal))
    return MethodLine(*about, trainer.memory.training, not without_twins(trainer.train_program.spec))


def table(lines: list[MethodLine]) -> Table:
    """A row per method."""
    made = Table(title="Training methods", title_justify="left", box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for column in ("name", "RAM", "device", "what it does"):
        made.add_column(column, justify="right" if column == "RAM" else "left", no_wrap=column != "what it does")
    for line in lines:
        settings = ", ".join(f"{name} {value:g}" for name, value in line.settings.items())
        what = f"{line.summary}; {settings}" if settings else line.summary
        ram, device = ("–", "–") if line.refused else (f"{line.ram_bytes:,}", "yes" if line.device else "no")
        made.add_row(line.name, ram, device, f"{what}. {line.refused}" if line.refused else what)
    return made
