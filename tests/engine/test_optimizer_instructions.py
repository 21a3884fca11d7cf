"""What each option of the optimizer costs in instructions: the table in docs/methods.md."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

import tinyprop
from tinyprop import SGD
from tinyprop.bench.networks import MlpS

PAGE = (Path(__file__).parents[2] / "docs" / "methods.md").read_text()
TABLE = {row[0]: float(row[1]) for row in re.findall(r"^\| ([^|]+) \| [^|]+ \| ([\d.]+) k \|$", PAGE, re.MULTILINE)}
OPTIONS = {
    "none": SGD(),
    "`clip`": SGD(clip=0.5),
    "`weight_decay`": SGD(weight_decay=0.01),
    "`momentum`": SGD(momentum=0.9),
    "`momentum`, `weight_decay`": SGD(momentum=0.9, weight_decay=0.01),
}


@pytest.mark.parametrize("option", OPTIONS)
def test_no_option_costs_more_than_documented(option: str) -> None:
    torch.manual_seed(0)
    trainer = tinyprop.capture(MlpS(), torch.zeros(1, 64)).train("full_zero_skip", optimizer=OPTIONS[option])
    samples = np.random.default_rng(0).random((20, 64), dtype=np.float32)
    with trainer.build("nano33ble") as engine:
        thousands = engine.fit(samples, np.arange(20) % 10, lr=0.01).instructions.mean() / 1000
    assert TABLE[option] * 0.75 < thousands < TABLE[option] + 0.05
