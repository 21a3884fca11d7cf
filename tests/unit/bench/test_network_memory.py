"""The plans of all networks: within 3 % of their bound, for several methods and choices of what trains."""

import json

import pytest
from rich.console import Console

import tinyprop
from tinyprop.bench.network_memory import NETWORKS, captured, json_of, last_layer, network_memory, tables
from tinyprop.ir.passes import fuse
from tinyprop.models import MODELS
from tinyprop.plan.judge import judge


@pytest.fixture(scope="module")
def networks() -> dict[str, tinyprop.Network]:
    return {name: captured(name) for name in NETWORKS}


def choices(network: tinyprop.Network) -> dict[str, list[str] | None]:
    layers = [node.name for node in fuse(network.program).layers]
    return {
        "all": None,
        "last": layers[-1:],
        "last three": layers[-3:],
        "first": layers[:1],
        "every third": layers[::3],
        "middle": [layers[len(layers) // 2]],
    }


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("method", "momentum"), [("full", 0.0), ("tinyprop_v2", 0.0), ("ours", 0.9)])
def test_every_plan_is_valid_and_near_its_bound(networks, name: str, method: str, momentum: float) -> None:
    for choice, trainable in choices(networks[name]).items():
        if method != "full" and choice not in ("all", "every third"):
            continue  # methods and optimizers hardly differ in what they keep
        trainer = networks[name].train(
            method, NETWORKS[name].loss, tinyprop.SGD(momentum=momentum), trainable=trainable
        )
        judge(trainer.plan, trainer.storage.buffers)
        assert trainer.plan.arena_bytes <= 1.03 * trainer.plan.lower_bound_bytes, choice


def test_the_rows_are_those_of_the_trainers(networks) -> None:
    rows = tuple(network_memory())
    assert [row.network for row in rows[::2]] == [*MODELS, "mlp_s", "mlp_l", "cnn_s"]
    for whole, last in zip(rows[::2], rows[1::2], strict=True):
        assert (whole.network, whole.trains, last.trains) == (last.network, "all", "last")
        assert whole.inference == last.inference < last.training < whole.training
        assert whole.arena <= 1.03 * whole.lower_bound
    row = next(row for row in rows if row.network == "resnet8")
    memory = networks["resnet8"].train("full").memory
    assert (row.training, row.weights, row.arena, row.input) == (
        memory.training,
        memory.weights,
        memory.arena,
        memory.input,
    )
    assert row.training_over_inference == memory.training / memory.inference
    console = Console(width=80, record=True)
    for table in tables(rows):
        console.print(table)
    text = console.export_text()
    assert "…" not in text
    assert all(text.count(f"\n{name} ") == 4 for name in NETWORKS)
    assert f"{row.training:,}" in text
    entry = next(e for e in json.loads(json_of(rows))["rows"] if (e["network"], e["trains"]) == ("resnet8", "all"))
    assert entry["lower_bound"] == memory.arena_lower_bound
    assert entry["arena_over_bound"] == pytest.approx(row.arena_over_bound, abs=1e-4)


def test_the_last_layer_is_the_one_before_the_outputs(networks) -> None:
    assert last_layer(networks["ds_cnn"]) == "classifier"
