"""Each loss: oracle, host, board and QEMU learn the same bits from it, and PyTorch the same within rounding."""

import shutil

import numpy as np
import pytest
import torch
from torch import nn

import tinyprop
from tinyprop.codegen.layout import weight_hash
from tinyprop.errors import UserError
from tinyprop.ir.oracle import OracleTrainer

STEPS, LR = 70, 0.1
QEMU = pytest.param(
    "mps2-an386", marks=pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="QEMU not installed")
)
LOSSES = {
    "plain": tinyprop.CrossEntropy(),
    "smoothed": tinyprop.CrossEntropy(label_smoothing=0.1),
    "even": tinyprop.CrossEntropy(label_smoothing=1.0),
    "mse": tinyprop.MeanSquaredError(),
    "mse_relu": tinyprop.MeanSquaredError(),
    "mse_map": tinyprop.MeanSquaredError(),
}


def network(name: str) -> tuple[nn.Module, tuple[int, ...]]:
    """A model for each loss: one ends in a ReLU, one in the feature map of a convolution with ReLU, flattened."""
    torch.manual_seed(4)
    if name == "mse_map":
        layers = [nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 2, 2, stride=2), nn.ReLU(), nn.Flatten()]
        return nn.Sequential(*layers), (1, 6, 6)
    tail = [nn.ReLU()] if name == "mse_relu" else []
    return nn.Sequential(nn.Linear(12, 9), nn.ReLU(), nn.Linear(9, 7), *tail), (12,)


def trainer_of(name: str, method: str = "full", kernels: str = "inline") -> tinyprop.Trainer:
    model, shape = network(name)
    captured = tinyprop.capture(model, torch.zeros(1, *shape), name=name)
    return captured.train(method, LOSSES[name], kernels=kernels)


def lessons(trainer: tinyprop.Trainer, count: int = STEPS) -> tuple[np.ndarray, np.ndarray]:
    """Two samples in turn, soon learned, so that steps are skipped; labels or targets, whichever the loss takes."""
    program = trainer.train_program.program
    rng = np.random.default_rng(1)
    x = np.maximum(rng.normal(size=(2, *program.input.shape)), 0).astype(np.float32)
    y = np.array([1, 4])
    if trainer.train_program.loss.learns_targets:
        y = np.maximum(rng.normal(size=(2, program.output.size)), 0).astype(np.float32)
    order = np.arange(count) % 2
    return x[order], y[order]


@pytest.mark.parametrize("name", LOSSES)
def test_ten_losses_and_the_weights_after_them_equal_torch(name) -> None:
    model, _ = network(name)
    trainer = trainer_of(name)
    oracle = OracleTrainer(trainer.train_program)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    for sample, truth in zip(*lessons(trainer, 10), strict=True):
        outputs = model(torch.from_numpy(sample)[None])
        if trainer.train_program.loss.learns_targets:
            loss = nn.functional.mse_loss(outputs.flatten(), torch.from_numpy(truth))
        else:
            smoothing = LOSSES[name].label_smoothing
            loss = nn.functional.cross_entropy(outputs, torch.tensor([truth]), label_smoothing=smoothing)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        assert oracle.step(sample, truth, LR).loss == pytest.approx(loss.item(), rel=1e-4, abs=1e-5)
    for key, tensor in model.state_dict().items():
        np.testing.assert_allclose(oracle.parameters[key], tensor.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("target", ["host", "nano33ble", QEMU])
@pytest.mark.parametrize(
    ("name", "method", "kernels"),
    [
        ("smoothed", "tinyprop_v2", "inline"),
        ("even", "full", "size"),
        ("mse", "ours", "inline"),
        ("mse_relu", "tinyprop_v2", "size"),
        ("mse_map", "full_zero_skip", "inline"),
    ],
)
def test_oracle_and_engines_agree_bit_for_bit(name, method, kernels, target) -> None:
    trainer = trainer_of(name, method, kernels)
    x, y = lessons(trainer)
    oracle = OracleTrainer(trainer.train_program)
    expected = oracle.fit(x, y, LR)
    with trainer.build(target) as engine:
        got = engine.fit(x, y, lr=LR)
        assert engine.weight_hash() == weight_hash(oracle.parameters)
        assert engine.mean_loss(x[-1:], y[-1:]) == oracle.step(x[-1], y[-1], 0.0).loss
    for column in ("loss", "predicted", "skipped", "kept", "macs_forward", "macs_backward", "looks"):
        if (counted := getattr(got, column)) is not None:
            np.testing.assert_array_equal(counted, getattr(expected, column), err_msg=column)
    assert expected.loss[-2:].sum() < expected.loss[:2].sum()
    assert expected.skipped.any() == (name in ("smoothed", "mse"))


def test_no_smoothing_is_the_plain_loss() -> None:
    plain, none = (trainer_of("plain") for _ in range(2))
    assert "smoothed_cross_entropy" not in plain.sources.files["plain.c"]
    assert plain.sources == none.sources
    model, shape = network("plain")
    by_name = tinyprop.capture(model, torch.zeros(1, *shape), name="plain").train("full", "cross_entropy")
    assert by_name.sources == plain.sources


def test_an_autoencoder_learns_to_give_its_input_back() -> None:
    torch.manual_seed(0)
    layers = (nn.Flatten(), nn.Linear(16, 6), nn.ReLU(), nn.Linear(6, 16), nn.ReLU())
    network = tinyprop.capture(nn.Sequential(*layers), torch.zeros(1, 4, 4), name="autoencoder")
    rng = np.random.default_rng(0)
    x = np.maximum(rng.normal(size=(200, 3)) @ rng.normal(size=(3, 16)), 0).astype(np.float32)
    with network.train("ours", "mse").build() as engine:
        before = engine.mean_loss(x.reshape(-1, 4, 4), x)
        engine.fit(x.reshape(-1, 4, 4), x, epochs=10, lr=0.05)
        after = engine.mean_loss(x.reshape(-1, 4, 4), x)
        np.testing.assert_allclose(after, np.mean((engine.logits(x.reshape(-1, 4, 4)) - x) ** 2), rtol=1e-5)
    assert after < before / 2


@pytest.mark.parametrize(("name", "wrong", "sentence"), [
    ("mse", np.zeros(3, int), r"targets have shape \(3,\), this network learns targets of shape \(N, 7\)"),
    ("mse", np.zeros((3, 6)), r"targets have shape \(3, 6\).*pass one float per output"),
    ("mse", np.zeros((3, 1, 7)), r"targets have shape \(3, 1, 7\).*pass y.reshape\(len\(y\), -1\)"),
    ("mse", np.zeros((2, 7)), "3 samples came with 2 targets"),
    ("mse", np.full((3, 7), np.nan), "the target of sample 0 holds NaN or infinity"),
    ("mse", np.full((3, 7), 1e39), "the target of sample 0 holds NaN or infinity as float32"),
    ("plain", np.zeros((3, 7)), r"labels have shape \(3, 7\).*loss='mse'"),
    ("plain", np.zeros(3), "labels have dtype float64, not an integer type"),
])  # fmt: skip
def test_truths_of_the_wrong_kind_are_refused_and_change_nothing(name, wrong, sentence) -> None:
    with trainer_of(name, "tinyprop_v2").build() as engine:
        before = engine.weight_hash()
        for take in (engine.fit, engine.mean_loss):
            with pytest.raises(UserError, match=sentence):
                take(np.ones((3, 12)), wrong)
        assert engine.weight_hash() == before


def test_a_regression_has_no_accuracy() -> None:
    with trainer_of("mse").build() as engine:
        with pytest.raises(UserError, match=r"accuracy counts .* learns targets, not classes: use mean_loss\(x, y\)"):
            engine.accuracy(np.ones((3, 12)), np.zeros(3, int))
        with pytest.raises(UserError, match=r"predict names classes, and this .* use logits\(x\)"):
            engine.predict(np.ones((3, 12)))


@pytest.mark.parametrize("target", ["host", "nano33ble"])
def test_a_loss_beyond_float32_stops_the_run_and_teaches_nothing(target) -> None:
    trainer = trainer_of("mse", "tinyprop_v2")
    x, y = lessons(trainer, 4)
    y[2, 3] = 3e38
    oracle = OracleTrainer(trainer.train_program)
    with pytest.raises(UserError, match="the loss is NaN or infinite"):
        oracle.fit(x, y, LR)
    with trainer.build(target) as engine:
        with pytest.raises(tinyprop.TrainingStopped, match=r"step 2 of 4, on sample 2: .* or loss is NaN or infinite"):
            engine.fit(x, y, lr=LR)
        assert engine.weight_hash() == weight_hash(oracle.parameters)
