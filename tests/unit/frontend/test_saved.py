"""A model handed over as a file."""

from pathlib import Path

import pytest
import torch
from torch import nn

from tinyprop.errors import UserError
from tinyprop.frontend import capture, load


def _model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(6, 4), nn.Dropout(), nn.ReLU(), nn.Linear(4, 3)).eval()


def test_a_saved_model_is_the_captured_one(tmp_path: Path) -> None:
    model, example = _model(), torch.zeros(1, 2, 3)
    path = tmp_path / "my-net.pt2"
    torch.export.save(torch.export.export(model, (example,)), path)
    loaded, captured = load(path), capture(model, example, name="my_net")
    assert str(loaded) == str(captured)
    assert all((loaded.parameters[n] == captured.parameters[n]).all() for n in captured.parameters)


def test_batch_norm_of_a_saved_model_trains_when_asked(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 3)).eval()
    torch.export.save(torch.export.export(model, (torch.zeros(1, 6),)), tmp_path / "net.pt2")
    assert "1.running_var" in load(tmp_path / "net.pt2", batch_norm="train").parameters
    assert "1.running_var" not in load(tmp_path / "net.pt2").parameters


@pytest.mark.parametrize("batch_norm", ["fold", "train"])
def test_a_batch_norm_saved_in_training_mode_is_refused_in_one_sentence(tmp_path: Path, batch_norm: str) -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3)).train()
    torch.export.save(torch.export.export(model, (torch.zeros(1, 1, 4, 4),)), tmp_path / "net.pt2")
    with pytest.raises(UserError) as refused:
        load(tmp_path / "net.pt2", batch_norm=batch_norm)
    assert str(refused.value).splitlines()[1:] == [
        "  - 1 (BatchNorm2d): batch norm in training mode is not supported, one sample is no batch to take statistics "
        "of; export after model.eval(), or pass training=self.training"
    ]


def test_what_is_not_a_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "junk.pt2").write_text("junk")
    with pytest.raises(UserError, match="holds no exported PyTorch model"):
        load(tmp_path / "junk.pt2")
    with pytest.raises(UserError, match="there is no model file"):
        load(tmp_path / "absent.pt2")


def test_unsupported_layers_are_listed(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(6, 4), nn.GELU(), nn.Linear(4, 3)).eval()
    torch.export.save(torch.export.export(model, (torch.zeros(1, 6),)), tmp_path / "net.pt2")
    with pytest.raises(UserError, match="gelu"):
        load(tmp_path / "net.pt2")


def test_a_model_saved_for_batches_of_any_size_or_decomposed_is_refused_in_one_sentence(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)).eval()
    batch = ({0: torch.export.Dim("batch", min=2)},)
    exported = torch.export.export(model, (torch.zeros(2, 1, 4, 4),), dynamic_shapes=batch)
    torch.export.save(exported, tmp_path / "dynamic.pt2")
    with pytest.raises(UserError, match=r"takes batches of any size: export it without dynamic_shapes"):
        load(tmp_path / "dynamic.pt2")
    decomposed = torch.export.export(model, (torch.zeros(1, 1, 4, 4),)).run_decompositions()
    torch.export.save(decomposed, tmp_path / "decomposed.pt2")
    with pytest.raises(UserError, match=r"convolution is not supported; save what .* without run_decompositions\(\)"):
        load(tmp_path / "decomposed.pt2")
