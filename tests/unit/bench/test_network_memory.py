"""The plans of all networks: within 3 % of their bound, for several methods and choices of what trains."""

import json
from dataclasses import asdict
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

import tinyprop
from tinyprop.bench.network_memory import NETWORKS, TRAINS, NetworkMemory, captured, json_of, network_memory, tables
from tinyprop.ir.passes import fuse
from tinyprop.models import MODELS
from tinyprop.plan.judge import judge


@pytest.fixture(scope="module")
def networks() -> dict[str, tinyprop.Network]:
    return {name: captured(name) for name in NETWORKS}


def choices(network: tinyprop.Network) -> dict[str, str | list[str]]:
    program = fuse(network.program)
    layers = [node.name for node in program.layers]
    parts = {"first": layers[:1], "every third": layers[::3], "middle": [layers[len(layers) // 2]]}
    return {**{word: word for word, choice in tinyprop.CHOICES.items() if choice.parameters(program)}, **parts}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("method", "momentum"), [("full", 0.0), ("tinyprop_v2", 0.0), ("ours", 0.9)])
def test_every_plan_is_valid_and_near_its_bound(networks, name: str, method: str, momentum: float) -> None:
    for choice, trainable in choices(networks[name]).items():
        if method != "full" and choice not in ("all", "biases"):
            continue  # methods and optimizers hardly differ in what they keep
        trainer = networks[name].train(
            method, NETWORKS[name].loss, tinyprop.SGD(momentum=momentum), trainable=trainable
        )
        judge(trainer.plan, trainer.storage.buffers)
        assert trainer.plan.arena_bytes <= 1.03 * trainer.plan.lower_bound_bytes, choice


@pytest.fixture(scope="module")
def rows() -> tuple[NetworkMemory, ...]:
    return tuple(network_memory())


def test_the_rows_are_those_of_the_trainers(networks, rows) -> None:
    assert [(row.network, row.trains) for row in rows] == [(name, word) for name in NETWORKS for word in TRAINS]
    assert list(NETWORKS) == [*MODELS, "mlp_s", "mlp_l", "cnn_s"]
    for row in rows:
        memory = networks[row.network].train("full", NETWORKS[row.network].loss, trainable=row.trains).memory
        assert (row.training, row.weights, row.input) == (memory.training, memory.weights, memory.input)
        assert (row.arena, row.lower_bound, row.inference) == (
            memory.arena,
            memory.arena_lower_bound,
            memory.inference,
        )
        assert row.training_over_inference == memory.training / memory.inference
        assert row.arena <= 1.03 * row.lower_bound


def test_tables_fit_a_terminal_and_json_holds_the_same(rows) -> None:
    console = Console(width=80, file=StringIO(), record=True)
    for table in tables(rows):
        console.print(table)
    text = console.export_text()
    assert "…" not in text
    assert text.count("resnet8") == 2 * len(TRAINS)
    entries = json.loads(json_of(rows))["rows"]
    for row, entry in zip(rows, entries, strict=True):
        assert entry.items() >= asdict(row).items()
        assert entry["arena_over_bound"] == pytest.approx(row.arena / row.lower_bound, abs=1e-4)
        assert f"{row.training:,}" in text


def test_the_page_shows_what_the_command_prints(rows) -> None:
    """Failing? Run `tinyprop networks` and put what it prints into docs/memory.md."""
    console = Console(width=80, file=StringIO(), record=True)
    for table in tables(rows):
        console.print(table)
    page = (Path(__file__).parents[3] / "docs" / "memory.md").read_text()
    missing = [line for line in console.export_text().splitlines() if line.rstrip() not in page]
    assert not missing
