"""`tinyprop checkpoint show | diff | convert`, as people call it."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import tinyprop
from tinyprop.checkpoint import Checkpoint, decode, encode, values_of
from tinyprop.checkpoint.layout_file import read_layout
from tinyprop.cli import app
from tinyprop.errors import UserError
from tinyprop.ir.chain import chain
from tinyprop.ir.ops import Dense, ReLU
from tinyprop.methods.optimizer import SGD
from tinyprop.surface import Network


@pytest.fixture
def field(tmp_path):
    """A folder with a project, firmware/, and two checkpoints of it, monday.tpck and tuesday.tpck."""
    trainer = Network(chain("net", (4,), (Dense(4, 6), ReLU(), Dense(6, 3)))).train("tinyprop_v2")
    trainer.export(tmp_path / "firmware")
    rng = np.random.default_rng(0)
    with trainer.build("host") as engine:
        for number, day in enumerate(("monday", "tuesday"), start=1):
            engine.fit(rng.standard_normal((5, 4)).astype(np.float32), np.arange(5) % 3, progress=False)
            made = engine.checkpoint(steps=5 * number, sequence=number)
            (tmp_path / f"{day}.tpck").write_bytes(encode(made))
    return tmp_path


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        app([str(argument) for argument in arguments])
    return ended.value.code, capsys.readouterr().out


def test_show_a_checkpoint(field, capsys):
    state = field / "firmware" / "net_state.json"
    code, out = run(capsys, "checkpoint", "show", field / "monday.tpck", "--state", state, "--json", field / "a.json")
    assert code in (0, None)
    assert "sequence 1, 5 steps" in " ".join(out.split())
    assert "v1.weight" in out
    [row] = json.loads((field / "a.json").read_text())["checkpoints"]
    assert (row["steps"], row["program"], row["offset"]) == (5, "net", 0)
    assert row["memories"]["skip.y_max"] > 0


def test_show_lists_errors_left_over(tmp_path, capsys):
    trainer = Network(chain("net", (4,), (Dense(4, 40), ReLU(), Dense(40, 3)))).train("memorised_top_k")
    state = trainer.export(tmp_path / "firmware") / "net_state.json"
    with trainer.build("host") as engine:
        engine.fit(np.eye(4, dtype=np.float32), np.arange(4) % 3, progress=False)
        made = engine.checkpoint(steps=4)
        (tmp_path / "a.tpck").write_bytes(encode(made))
    left = values_of(made, read_layout(state)).residuals
    _, out = run(capsys, "checkpoint", "show", tmp_path / "a.tpck", "--state", state, "--json", tmp_path / "a.json")
    [row] = json.loads((tmp_path / "a.json").read_text())["checkpoints"]
    assert {name: found["entries"] for name, found in row["residuals"].items()} == dict.fromkeys(left, 40)
    [line] = [line.split() for line in out.splitlines() if line.startswith(f"{next(iter(left))} ")]
    [array] = left.values()
    norm = np.linalg.norm(array.astype(np.float64))
    figures = (array.min(), array.mean(dtype=np.float64), array.max(), norm)
    assert line[1:] == ["40", *(f"{figure:.4g}" for figure in figures)]
    assert row["residuals"][line[0]]["norm"] == norm > 0
    assert "what selections remember" in out


def test_show_a_dump_of_the_flash(field, capsys):
    dump = b"\xff" * 100 + (field / "monday.tpck").read_bytes() + b"\0" * 61 + (field / "tuesday.tpck").read_bytes()
    (field / "flash.bin").write_bytes(dump)
    _, out = run(capsys, "checkpoint", "show", field / "flash.bin")
    assert "at byte 100" in out
    assert out.count("CRC ok") == 2


def test_show_says_what_is_wrong(field, capsys):
    (field / "empty").write_bytes(b"\xff" * 4096)
    with pytest.raises(UserError, match="is no checkpoint"):
        app(["checkpoint", "show", str(field / "empty")])
    with pytest.raises(UserError, match="cannot be read"):
        app(["checkpoint", "show", str(field / "missing")])


def test_a_layout_that_is_not_there_is_named_with_those_that_are(field):
    with pytest.raises(
        UserError, match=r"No such file.*: name the _state\.json of an exported project, here net_state"
    ):
        app(["checkpoint", "show", str(field / "monday.tpck"), "--state", str(field / "firmware" / "n_state.json")])


def test_diff(field, capsys):
    state = field / "firmware" / "net_state.json"
    monday, tuesday = field / "monday.tpck", field / "tuesday.tpck"
    code, out = run(capsys, "checkpoint", "diff", monday, tuesday, "--state", state, "--json", field / "d.json")
    assert code == 1
    assert "steps 5 → 10" in out
    row = json.loads((field / "d.json").read_text())
    changed = decode(monday.read_bytes()).state != decode(tuesday.read_bytes()).state
    assert row["changed"] == changed.sum()
    assert sum(tensor["changed"] for tensor in row["tensors"]) + 3 >= row["changed"] > 0
    assert run(capsys, "checkpoint", "diff", monday, monday)[0] in (0, None)
    other = decode(monday.read_bytes())
    (field / "other.tpck").write_bytes(encode(Checkpoint(1, 7, 0, other.state)))
    with pytest.raises(UserError, match="compare two of one"):
        app(["checkpoint", "diff", str(monday), str(field / "other.tpck")])


def test_diff_of_velocities_and_of_what_selections_remember(tmp_path, capsys):
    trainer = Network(chain("net", (4,), (Dense(4, 20), ReLU(), Dense(20, 3)))).train(
        tinyprop.MemorisedTopK(0.2), optimizer=SGD(momentum=0.5)
    )
    state = trainer.export(tmp_path / "firmware") / "net_state.json"
    rng = np.random.default_rng(0)
    with trainer.build("host") as engine:
        for day in ("monday", "tuesday"):
            (tmp_path / day).write_bytes(encode(engine.checkpoint()))
            engine.fit(rng.standard_normal((3, 4)).astype(np.float32), np.arange(3), progress=False)
    days = tmp_path / "monday", tmp_path / "tuesday"
    _, out = run(capsys, "checkpoint", "diff", *days, "--state", state, "--json", tmp_path / "d.json")
    tensors = json.loads((tmp_path / "d.json").read_text())["tensors"]
    assert [one["what"] for one in tensors] == ["weight"] * 4 + ["velocity"] * 4 + ["remembered"]
    values = [values_of(decode(day.read_bytes()), read_layout(state)).residuals for day in days]
    change = {name: values[1][name] - array for name, array in values[0].items()}
    assert [one["name"] for one in tensors if one["what"] == "remembered"] == list(change)
    for one in tensors:
        assert one["changed"] > 0
        assert one["what"] in out
        if one["what"] == "remembered":
            assert one["changed"] == np.count_nonzero(change[one["name"]])
            assert one["largest_change"] == pytest.approx(np.abs(change[one["name"]]).max())


def test_convert_there_and_back(field, capsys):
    state = field / "firmware" / "net_state.json"
    monday, there, back = field / "monday.tpck", field / "m.safetensors", field / "back.tpck"
    run(capsys, "checkpoint", "convert", monday, there, "--state", state)
    run(capsys, "checkpoint", "convert", there, back, "--state", state)
    assert back.read_bytes() == monday.read_bytes()
    with pytest.raises(UserError, match=r"one of the two has to end in \.safetensors"):
        app(["checkpoint", "convert", str(monday), str(back), "--state", str(state)])
    before = there.read_bytes()
    monday.write_bytes(monday.read_bytes()[:-1])
    with pytest.raises(UserError, match="pull it from the device again"):
        app(["checkpoint", "convert", str(monday), str(there), "--state", str(state)])
    assert there.read_bytes() == before


def test_pytorch_loads_what_a_device_learned(tmp_path, capsys):
    """Momentum and method state are in the file, and not in the way."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.ReLU(), torch.nn.Linear(6, 3)).eval()
    trainer = tinyprop.capture(model, torch.zeros(1, 4), name="net").train("ours", optimizer=SGD(momentum=0.9))
    state = trainer.export(tmp_path / "firmware") / "net_state.json"
    rng = np.random.default_rng(0)
    x = rng.standard_normal((6, 4)).astype(np.float32)
    with trainer.build("host") as engine:
        engine.fit(x, np.arange(6) % 3, progress=False)
        (tmp_path / "a.tpck").write_bytes(encode(engine.checkpoint(steps=6)))
        run(capsys, "checkpoint", "convert", tmp_path / "a.tpck", tmp_path / "a.safetensors", "--state", state)
        model.load_state_dict(load_file(tmp_path / "a.safetensors"))
        outputs = model(torch.from_numpy(x)).detach().numpy()
        assert np.abs(outputs - engine.logits(x, progress=False)).max() < 1e-5
