"""What the README shows is what happens."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import tinyprop

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_snippet_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    generator = np.random.default_rng(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3))
    names = {
        "model": model,
        "example_input": torch.zeros(1, 1, 6, 6),
        "x": generator.standard_normal((12, 1, 6, 6)).astype(np.float32),
        "y": generator.integers(0, 3, 12),
    }
    exec(snippet, names)  # the whole point: the text itself
    assert len(names["trace"]) == 36
    assert (tmp_path / "firmware" / "main.c").is_file()


def test_every_method_is_in_the_table() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)) == set(tinyprop.METHODS)


def test_the_demo_output_is_the_committed_result() -> None:
    """Every row of the tables in the README stands in results/demo.json."""
    rows = json.loads((ROOT / "results" / "demo.json").read_text(encoding="utf-8"))["rows"]
    shown = re.findall(r"^ ?(\w+) +([\d.]+)±([\d.]+) +([\d.]+) +([\d.]+) +(\d+)% +([\d.]+)", README, re.MULTILINE)
    expected = [
        (
            row["method"],
            f"{row['accuracy_after']:.1f}",
            f"{row['accuracy_after_sd']:.1f}",
            f"{row['effort_bwd']:.3f}",
            f"{row['effort_total']:.3f}",
            f"{100 * row['skipped']:.0f}",
            f"{row['instructions_mean'] / 1e3:.1f}",
        )
        for row in rows
    ]
    assert shown == expected


def test_the_result_keeps_what_the_demo_promises() -> None:
    """TinyPropv2 within a point of full training at a backward effort of at most 0.15; board and host alike."""
    rows = json.loads((ROOT / "results" / "demo.json").read_text(encoding="utf-8"))["rows"]
    full = {(row["model"], row["scenario"]): row["accuracy_after"] for row in rows if row["method"] == "full"}
    for row in rows:
        assert row["hash_host"] == row["hash_board"]
        if row["method"] == "tinyprop_v2":
            assert row["accuracy_after"] >= full[row["model"], row["scenario"]] - 1.0
            assert row["effort_bwd"] <= 0.15
