"""What docs/pytorch.md shows is what happens."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter

import tinyprop

PAGE = (Path(__file__).parents[2] / "docs" / "pytorch.md").read_text(encoding="utf-8")


def test_the_snippets_run_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    loop, board, resumption = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    model = network()
    batches = [(torch.randn(8, 1, 6, 6), torch.randint(0, 3, (8,))) for _ in range(4)]
    with SummaryWriter("log") as writer:
        names = {"model": model, "batches": batches, "writer": writer}
        for snippet in (loop, board, resumption):
            exec(snippet, names)  # the whole point: the text itself
    assert re.match(r"TinyPropV2\(.*\)\n96 samples, \d+% skipped, effort ", capsys.readouterr().out)
    assert names["handle"].state_dict() == names["saved"]["method"]
    fresh = tinyprop.apply_(network(), tinyprop.TinyPropV2(), example_input=batches[0][0])
    assert fresh.state_dict() != names["saved"]["method"]
    exec(resumption.partition("saved = ")[1] + resumption.partition("saved = ")[2], names | {"handle": fresh})
    assert fresh.state_dict() == names["saved"]["method"]
    assert len([*Path("log").glob("events.*")]) == 1
    for name in names["handle"].stats().scalars():
        assert f"`{name.partition('/')[0]}" in PAGE


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3))
