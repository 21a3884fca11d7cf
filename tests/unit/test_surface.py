"""What a user types."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import tinyprop
from tinyprop.errors import UserError


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 9), nn.ReLU(), nn.Linear(9, 4))


@pytest.fixture(scope="module")
def network(model: nn.Module) -> tinyprop.Network:
    return tinyprop.capture(model, torch.zeros(1, 3, 4), name="small")


@pytest.fixture(scope="module")
def samples() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    return generator.standard_normal((30, 3, 4)).astype(np.float32), generator.integers(0, 4, 30)


def test_from_model_to_trained_weights(
    network: tinyprop.Network, model: nn.Module, samples: tuple[np.ndarray, np.ndarray]
) -> None:
    trainer = network.train(tinyprop.TinyPropV2(), loss="cross_entropy")
    with trainer.build("host") as engine:
        assert np.allclose(engine.logits(samples[0]), model(torch.from_numpy(samples[0])).detach().numpy(), atol=1e-5)
        before = engine.weights()
        trace = engine.fit(*samples, epochs=3, lr=0.05)
        assert len(trace) == 90
        assert trace.loss[-30:].mean() < trace.loss[:30].mean()
        after = engine.weights()
        assert list(after) == list(model.state_dict())
        assert any((before[name] != after[name]).any() for name in after)
        engine.set_weights(before)
        assert all((engine.weights()[name] == before[name]).all() for name in before)


def test_trained_weights_load_back_into_the_model(
    network: tinyprop.Network, samples: tuple[np.ndarray, np.ndarray]
) -> None:
    twin = nn.Sequential(nn.Flatten(), nn.Linear(12, 9), nn.ReLU(), nn.Linear(9, 4))
    with network.train("full").build("host") as engine:
        engine.fit(*samples, lr=0.05)
        twin.load_state_dict({name: torch.from_numpy(w.copy()) for name, w in engine.weights().items()})
        assert np.allclose(engine.logits(samples[0]), twin(torch.from_numpy(samples[0])).detach().numpy(), atol=1e-5)


def test_a_pickled_trainer_builds_the_same_sources(network: tinyprop.Network) -> None:
    trainer = network.train("ours")
    assert pickle.loads(pickle.dumps(trainer)).sources.files == trainer.sources.files


def test_weights_can_be_exchanged_before_training(network: tinyprop.Network) -> None:
    own = dict(network.program.parameters)
    other = network.with_weights({name: array * 2 for name, array in own.items()})
    assert all((other.program.parameters[name] == own[name] * 2).all() for name in own)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"method": "tinyprop"}, "unknown method 'tinyprop': did you mean 'tinyprop_v"),
        ({"method": 3}, "method is 3, not a training method"),
        ({"method": "full", "loss": "rmse"}, "unknown loss 'rmse': did you mean 'mse'"),
        (
            {"method": "full", "loss": 3},
            "loss is 3, not a loss: pass e.g. CrossEntropy(label_smoothing=0.1), or one of",
        ),
        ({"method": "full", "kernels": "fast"}, "unknown kernels 'fast'"),
    ],
)
def test_what_cannot_be_trained_is_named(network: tinyprop.Network, arguments: dict, sentence: str) -> None:
    with pytest.raises(UserError) as raised:
        network.train(**arguments)
    assert sentence in str(raised.value)


def test_wrong_weights_are_named(network: tinyprop.Network) -> None:
    own = dict(network.program.parameters)
    with pytest.raises(UserError, match=r"no weights given for 1\.bias"):
        network.with_weights({name: array for name, array in own.items() if name != "1.bias"})
    with pytest.raises(UserError, match=r"'1\.bias' has shape \(3,\); it must be finite and \(9,\)"):
        network.with_weights({**own, "1.bias": np.zeros(3)})
    with pytest.raises(UserError, match=r"'1\.bias' has shape \(9,\); it must be finite"):
        network.with_weights({**own, "1.bias": np.full(9, np.nan)})


def test_unknown_target(network: tinyprop.Network) -> None:
    with pytest.raises(UserError, match="unknown target 'nano33': did you mean 'nano33ble'"):
        network.train("full").build("nano33")


def test_export_replaces_an_earlier_export_and_nothing_else(network: tinyprop.Network, tmp_path: Path) -> None:
    trainer = network.train("ours")
    folder = trainer.export(tmp_path / "firmware")
    first = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    trainer.export(folder)
    assert {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()} == first
    foreign = tmp_path / "work"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match="not empty and not an earlier export"):
        trainer.export(foreign)
    assert [path.name for path in foreign.iterdir()] == ["thesis.txt"]


def test_a_model_too_large_for_the_board_is_not_exported(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(1000, 90), nn.ReLU(), nn.Linear(90, 4))
    trainer = tinyprop.capture(model, torch.zeros(1, 1000)).train("full")
    with pytest.raises(UserError, match=r"(?s)RAM.*bytes.*mps2-an386"):
        trainer.export(tmp_path / "firmware", board="nano33ble")
    assert not any(tmp_path.iterdir())


def test_export_keeps_what_somebody_changed_in_an_earlier_export(network: tinyprop.Network, tmp_path: Path) -> None:
    trainer = network.train("ours")
    folder = trainer.export(tmp_path / "firmware")
    (folder / "main.c").write_text("int main(void) { return 0; } /* mine */")
    (folder / "sensor.c").write_text("mine too")
    with pytest.raises(
        UserError, match=r"added or changed since the last export \(main\.c, sensor\.c\): move or delete"
    ):
        trainer.export(folder)
    assert (folder / "sensor.c").read_text() == "mine too"
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        trainer.export(tmp_path / "file")
    with pytest.raises(UserError, match="cannot be written"):
        trainer.export(tmp_path / "file" / "below")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "firmware"]


def test_what_was_built_in_an_earlier_export_stays_and_does_not_count(
    network: tinyprop.Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = network.train("ours").export(tmp_path / "firmware")
    built = [folder / "build" / "CMakeCache.txt", folder / "port" / ".pio" / "build" / "a.o"]
    for file in built:
        file.parent.mkdir(parents=True)
        file.write_text("built")
    network.train("full").export(folder)
    assert [file.read_text() for file in built] == ["built", "built"]
    assert "Method: `full`" in (folder / "README.md").read_text()
    with monkeypatch.context() as patched:
        rename = Path.rename

        def fails_at_last(self: Path, target: Path) -> Path:
            if self.name == "export":
                raise OSError(28, "No space left on device")
            return rename(self, target)

        patched.setattr(Path, "rename", fails_at_last)
        with pytest.raises(UserError, match="cannot be written"):
            network.train("ours").export(folder)
    assert [file.read_text() for file in built] == ["built", "built"]
    assert "Method: `full`" in (folder / "README.md").read_text()


@pytest.mark.parametrize("given", [lambda x: x, nn.ReLU, 3])
def test_what_is_no_model_is_named(given: object) -> None:
    with pytest.raises(UserError, match=r"not an nn\.Module: pass an instance"):
        tinyprop.capture(given, torch.zeros(1, 4))


def test_mistakes_in_settings_are_sentences(network: tinyprop.Network, samples: tuple[np.ndarray, np.ndarray]) -> None:
    for wrong in ({"s_min": "a"}, {"zeta": True}, {"theta_skip": None}):
        with pytest.raises(UserError):
            tinyprop.TinyPropV2(**wrong)
    with pytest.raises(UserError, match="target is None"):
        network.train("full").build(None)
    with pytest.raises(UserError, match="no compiler flag"):
        network.train("full").build("host", optimise="O3")
    with network.train("full", trainable="3").build("host") as engine:
        with pytest.raises(UserError, match="seed='a'"):
            engine.fit(*samples, seed="a")
        with pytest.raises(UserError, match="weights are a NoneType"):
            engine.set_weights(None)
        wants_gradient = torch.from_numpy(samples[0]).requires_grad_()
        assert len(engine.fit(wants_gradient, torch.from_numpy(samples[1]))) == 30


def test_inputs_are_tested_for_zeros_only_on_request(network: tinyprop.Network) -> None:
    assert not network.train("ours").train_program.spec.skip_zero_inputs
    assert network.train("ours", skip_zero_inputs=True).train_program.spec.skip_zero_inputs
