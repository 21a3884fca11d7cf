"""What training costs in RAM on the networks of the field and of the benchmark: records, a table, JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

import msgspec
import torch
from rich.table import Table

from tinyprop.bench.networks import CnnS, MlpL, MlpS
from tinyprop.models import MODELS, ModelCard
from tinyprop.surface import Network, Trainer, capture

NETWORKS: Mapping[str, ModelCard] = {
    **MODELS,
    "mlp_s": ModelCard(MlpS, (1, 8, 8)),
    "mlp_l": ModelCard(MlpL, (1, 28, 28)),
    "cnn_s": ModelCard(CnnS, (1, 16, 16)),
}
METHOD = "full"  # which one hardly matters: each keeps four bytes of state per layer
TRAINS = ("all", "biases", "last_layer")  # of tinyprop.CHOICES


@dataclass(frozen=True)
class NetworkMemory:
    """One network; all in bytes but `parameters`, which counts those of the whole network.

    trains: one of TRAINS. training: weights that learn, arena, input and the method's state; inference: arena and input
    of the same network without training.
    """

    network: str
    trains: str
    parameters: int
    weights: int
    arena: int
    lower_bound: int
    input: int
    training: int
    inference: int

    @property
    def arena_over_bound(self) -> float:
        """The planned arena over the most that is alive at one time."""
        return self.arena / self.lower_bound

    @property
    def training_over_inference(self) -> float:
        """RAM to train over RAM to infer only."""
        return self.training / self.inference


def captured(name: str) -> Network:
    """The network called `name`, with fresh weights."""
    card = NETWORKS[name]
    torch.manual_seed(0)
    return capture(card.make().eval(), torch.zeros(1, *card.input_shape), name=name)


def network_memory() -> Iterator[NetworkMemory]:
    """One row per network and choice of what trains."""
    for name, card in NETWORKS.items():
        network = captured(name)
        for trains in TRAINS:
            yield _row(name, trains, network.train(METHOD, loss=card.loss, trainable=trains))


def _row(name: str, trains: str, trainer: Trainer) -> NetworkMemory:
    memory = trainer.memory
    return NetworkMemory(
        network=name,
        trains=trains,
        parameters=sum(p.size for p in trainer.train_program.program.parameters.values()),
        weights=memory.weights,
        arena=memory.arena,
        lower_bound=memory.arena_lower_bound,
        input=memory.input,
        training=memory.training,
        inference=memory.inference,
    )


def tables(rows: tuple[NetworkMemory, ...]) -> tuple[Table, Table]:
    """For people: what is needed, and how near the planned arena is to its bound."""
    needed = _table(f"RAM to train, bytes (method {METHOD})", "RAM", "weights", "arena", "input", "infer", "×")
    planned = _table("Its planned arena and the most alive at one time, bytes", "parameters", "arena", "bound", "ratio")
    for row in rows:
        sizes = (row.training, row.weights, row.arena, row.input, row.inference)
        times = f"{row.training_over_inference:.1f}"
        needed.add_row(row.network, row.trains, *(f"{size:,}" for size in sizes), times)
        plan = (row.parameters, row.arena, row.lower_bound)
        planned.add_row(row.network, row.trains, *(f"{n:,}" for n in plan), f"{row.arena_over_bound:.3f}")
    return needed, planned


def _table(title: str, *numbers: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0))
    for column in ("network", "trains"):
        table.add_column(column, no_wrap=True)
    for column in numbers:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def json_of(rows: tuple[NetworkMemory, ...]) -> bytes:
    """{"method", "rows": [every field of a row, "arena_over_bound", "training_over_inference"]}."""
    found = [
        asdict(row)
        | {
            "arena_over_bound": round(row.arena_over_bound, 4),
            "training_over_inference": round(row.training_over_inference, 4),
        }
        for row in rows
    ]
    return msgspec.json.format(msgspec.json.encode({"method": METHOD, "rows": found})) + b"\n"
