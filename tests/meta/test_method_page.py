"""What docs/adding/method.md shows is what happens."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

import tinyprop
from tinyprop.ir.chain import chain
from tinyprop.ir.ops import Dense

PAGE = (Path(__file__).parents[2] / "docs" / "adding" / "method.md").read_text(encoding="utf-8")


def test_the_whole_method_runs_and_goes_wherever_a_name_does(capsys: pytest.CaptureFixture[str]) -> None:
    [snippet] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict = {"__name__": "a_file_of_your_own"}
    exec(snippet, names)  # the whole point: the text itself
    assert capsys.readouterr().out == "large keeps the contract in Python and, bit for bit, in the compiled engine.\n"
    network = tinyprop.Network(chain("net", (4,), [Dense(4, 8, relu=True), Dense(8, 3)]))
    assert network.train(names["Large"]()).train_program.spec.method == "large"
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    handle = tinyprop.apply_(model, names["Large"](bar=0.5))
    functional.cross_entropy(model(torch.randn(6, 4)), torch.tensor([0, 1, 2, 0, 1, 2])).backward()
    assert handle.stats().samples == 6
    with pytest.raises(tinyprop.UserError, match="Large was given bar=-1"):
        names["Large"](bar=-1)
