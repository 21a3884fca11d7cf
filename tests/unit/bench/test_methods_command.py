"""`tinyprop methods`: every method has its line, its bytes are those of its trainer."""

import io
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

import tinyprop
from tinyprop.bench.methods_command import example_network, methods_command
from tinyprop.ir.chain import chain
from tinyprop.ir.ops import Dense
from tinyprop.surface import Network


def run(network: Network | None, json_path: Path | None = None) -> str:
    console = Console(file=io.StringIO(), width=100)
    assert methods_command(console, network, json_path=json_path) == 0
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_every_method_with_the_bytes_of_its_trainer(tmp_path: Path) -> None:
    path = tmp_path / "methods.json"
    shown = run(None, path)
    lines = msgspec.json.decode(path.read_bytes())
    assert [line["name"] for line in lines] == list(tinyprop.METHODS)
    for line in lines:
        trainer = example_network().train(line["name"])
        assert line["ram_bytes"] == trainer.memory.training
        assert line["device"]
        assert f"{line['ram_bytes']:,}" in shown
    bytes_of = {line["name"]: line["ram_bytes"] for line in lines}
    assert bytes_of["last_layers"] < bytes_of["bias_only"] < bytes_of["full"]


def test_a_network_of_ones_own() -> None:
    shown = run(Network(chain("doorbell", (4,), [Dense(4, 3)])))
    assert "'doorbell'" in shown
    assert "example" not in shown


def test_a_file_that_cannot_be_written_is_told_before(tmp_path: Path) -> None:
    with pytest.raises(tinyprop.UserError):
        run(None, tmp_path)
