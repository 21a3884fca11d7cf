"""The scripts in examples/ run, write into their folder alone, and what they print is so."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

EXAMPLES = Path(__file__).parents[3] / "examples"
FIELD = 657  # digits of one pass


def printed(name: str, folder: Path, *arguments: str) -> str:
    """What the script prints when it is started in `folder`."""
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "Error" not in done.stderr
    return done.stdout


def percent_right(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"^turned digits.*: ([\d.]+) %$", text, re.MULTILINE)]


def logged(folder: Path) -> dict[str, list[float]]:
    """Tag → values, of the event files in the folder."""
    events = EventAccumulator(str(folder)).Reload()
    return {tag: [event.value for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


TAGS = {"skipped", "effort_bwd", "effort_total"}


def test_plain_loop(tmp_path: Path) -> None:
    text = printed("pytorch_loop.py", tmp_path, "--epochs", "2", "--method", "tinyprop_v2")
    before, after, engine = percent_right(text)
    assert after > before + 10
    assert engine == pytest.approx(after, abs=0.3)  # one digit of 360
    assert "TinyPropV2(" in text
    assert f"{FIELD} samples, " in text
    out = tmp_path / "build" / "pytorch_loop"
    scalars = logged(out)
    assert set(scalars) == {*TAGS, "kept/0", "kept/3", "kept/7"}
    assert {len(values) for values in scalars.values()} == {2}
    assert all(0 < value < 1 for values in scalars.values() for value in values)
    assert torch.load(out / "checkpoint.pt")["method"]["output"] > 0
    assert (out / "firmware" / "main.c").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["build"]
    assert [path.name for path in out.parent.iterdir()] == ["pytorch_loop"]


def test_lightning_loop(tmp_path: Path) -> None:
    text = printed("lightning_loop.py", tmp_path, "--epochs", "2", "--out", "given", "--method", "tinyprop_v2")
    before, after = percent_right(text)
    assert after > before + 10
    assert "after 3 passes" in text
    assert f"{FIELD} samples, " in text  # the pass behind the checkpoint, the only one of that handle
    saved = torch.load(tmp_path / "given" / "checkpoint.ckpt", weights_only=True)
    assert saved["epoch"] == 2
    assert saved["method"]["output"] > 0
    assert list(saved["method"]["layers"]) == ["0", "3", "7"]
    scalars = logged(tmp_path / "given")
    assert {*TAGS, "kept/0", "kept/3", "kept/7", "percent_right"} <= set(scalars)
    assert len(scalars["effort_bwd"]) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["given"]


def test_a_lightning_checkpoint_carries_what_the_method_remembers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    from lightning_loop import Classifier

    module, other, checkpoint = Classifier("tinyprop_v2"), Classifier("tinyprop_v2"), {}
    module.training_step([torch.rand(4, 1, 8, 8), torch.arange(4)], 0).backward()
    module.on_save_checkpoint(checkpoint)
    assert checkpoint["method"] != other.handle.state_dict()
    other.on_load_checkpoint(checkpoint)
    assert checkpoint["method"] == other.handle.state_dict()
