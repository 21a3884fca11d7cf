"""Batch norm with fixed statistics: trained as PyTorch trains it in eval mode, and the same bits everywhere."""

import copy
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import tinyprop
from battery.rules import EVERY_RULE
from tinyprop.codegen.layout import weight_hash
from tinyprop.errors import UserError
from tinyprop.ir.differentiate import layer_infos
from tinyprop.ir.masks import maskable, with_masks
from tinyprop.ir.oracle import OracleTrainer
from tinyprop.ir.passes import fuse
from tinyprop.models import MODELS

STEPS, CLASSES, LR = 30, 5, 0.02
SHAPE = (2, 7, 6)
Samples = tuple[np.ndarray, np.ndarray]


class Normed(nn.Module):
    """On the sample, before and behind a ReLU, read twice, in a pooled and a flat place; one without weights."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.conv, self.norm = nn.BatchNorm2d(2), nn.Conv2d(2, 5, 3, padding=1), nn.BatchNorm2d(5)
        self.plain, self.second = nn.BatchNorm2d(5, affine=False), nn.Conv2d(5, 5, 1, bias=False)
        self.joined, self.pool = nn.BatchNorm2d(5, eps=1e-3), nn.MaxPool2d(2)
        self.dense, self.flat, self.head = nn.Linear(45, 11), nn.BatchNorm1d(11), nn.Linear(11, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.plain(self.norm(self.conv(self.first(x))).relu())
        x = self.pool((self.joined(x + self.second(x))).relu())
        return self.head(self.flat(self.dense(x.flatten(1))).relu())


def with_statistics(model: nn.Module) -> nn.Module:
    """Batch norms that have seen data, in eval mode."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_mean.uniform_(-0.5, 0.5)
            module.running_var.uniform_(0.5, 2)
            if module.affine:
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, std=0.2)
    return model.eval()


def norms_of(model: nn.Module) -> list[str]:
    """Names of the batch norms that have something to train."""
    return [name for name, m in model.named_modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d) and m.affine]


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(4)
    return with_statistics(Normed())


@pytest.fixture(scope="module")
def samples() -> Samples:
    """Three samples in turn; a third of their values are zero."""
    generator = np.random.default_rng(0)
    x = generator.standard_normal((3, *SHAPE)).astype(np.float32)
    x[generator.random(x.shape) < 0.3] = 0
    return x[np.arange(STEPS) % 3], np.arange(STEPS) % 3


def trained_by_torch(model: nn.Module, samples: Samples, trainable: list[str], lr: float) -> tuple[list, nn.Module]:
    """Losses of one pass of eval-mode training, and the model behind it. trainable: prefixes of what trains."""
    twin = copy.deepcopy(model).eval()
    for name, parameter in twin.named_parameters():
        parameter.requires_grad_(any(name.startswith(f"{prefix}.") for prefix in trainable))
    optimizer = torch.optim.SGD([p for p in twin.parameters() if p.requires_grad], lr=lr)
    losses = []
    for sample, label in zip(*map(torch.from_numpy, samples), strict=True):
        optimizer.zero_grad()
        loss = functional.cross_entropy(twin(sample[None]), label[None])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, twin


ENGINE_CASES = [(method, "train", "inline") for method in EVERY_RULE]
ENGINE_CASES += [("tinyprop_v2", "train", "size"), ("full", "fold", "inline"), ("ours", "fold", "size")]


@pytest.mark.parametrize(("method", "batch_norm", "kernels"), ENGINE_CASES)
def test_engine_and_oracle_agree_in_every_bit(model, samples, method, batch_norm, kernels) -> None:
    network = tinyprop.capture(model, torch.zeros(1, *SHAPE), batch_norm=batch_norm)
    trainer = network.train(method, kernels=kernels)
    oracle = OracleTrainer(trainer.train_program)
    expected = oracle.fit(*samples, LR)
    with trainer.build("host") as engine:
        trace = engine.fit(*samples, lr=LR)
        assert engine.weight_hash() == weight_hash(oracle.parameters)
        if method == "full":
            assert trainer.effort(trace).bwd == pytest.approx(1.0)
    for field in fields(expected):
        if getattr(expected, field.name) is not None:
            np.testing.assert_array_equal(getattr(trace, field.name), getattr(expected, field.name), field.name)


@pytest.mark.parametrize("method", ["full", "tinyprop_v2"])
@pytest.mark.parametrize(
    ("trainable", "masks"), [("all", {"relu"}), ("batch_norms", {"relu"}), ("biases", {"relu", "relu_1", "relu_2"})]
)
def test_a_batch_norm_reads_and_leaves_masks(model, samples, trainable, masks, method) -> None:
    """Bits of the ReLUs behind batch norms, where nobody needs their outputs: above them a frozen batch norm,
    a max pool, a weight that does not learn."""
    train = tinyprop.capture(model, torch.zeros(1, *SHAPE), batch_norm="train").train(method, trainable=trainable)
    chosen = replace(train, train_program=with_masks(train.train_program, maskable(train.train_program)))
    assert masks <= set(chosen.storage.mask)
    oracle = OracleTrainer(chosen.train_program)
    oracle.fit(*samples, LR)
    with chosen.build("host") as engine:
        engine.fit(*samples, lr=LR)
        assert engine.weight_hash() == weight_hash(oracle.parameters)


@pytest.mark.parametrize(
    ("boards", "optimizer"),
    [
        (("nano33ble", "rp2040", "esp32c3"), tinyprop.SGD()),
        (("nano33ble",), tinyprop.SGD(momentum=0.5, weight_decay=0.01)),
    ],
    ids=str,
)
def test_host_and_boards_agree_in_every_bit(model, samples, boards, optimizer) -> None:
    trainer = tinyprop.capture(model, torch.zeros(1, *SHAPE), batch_norm="train").train("ours", optimizer=optimizer)
    oracle = OracleTrainer(trainer.train_program)
    oracle.fit(*samples, LR)
    hashes = {weight_hash(oracle.parameters)}
    for target in ("host", *boards):
        with trainer.build(target) as engine:
            trace = engine.fit(*samples, lr=LR)
            hashes.add(engine.weight_hash())
            if target in ("nano33ble", "rp2040"):  # cores whose cycles are estimated
                assert engine.training_cycles() > trace.instructions.sum()
    assert len(hashes) == 1


@pytest.mark.parametrize("only_norms", [False, True])
def test_trains_as_pytorch_does_in_eval_mode(model, samples, only_norms) -> None:
    names = (
        norms_of(model) if only_norms else [name for name, child in model.named_children() if list(child.parameters())]
    )
    losses, twin = trained_by_torch(model, samples, names, LR)
    trainer = tinyprop.capture(model, torch.zeros(1, *SHAPE), batch_norm="train").train("full", trainable=names)
    with trainer.build("host") as engine:
        before, trace, after = engine.weights(), engine.fit(*samples, lr=LR), engine.weights()
    np.testing.assert_allclose(trace.loss, losses, rtol=1e-4, atol=1e-6)
    state = twin.state_dict()
    for key, array in after.items():
        np.testing.assert_allclose(array, state[key].numpy(), rtol=1e-4, atol=1e-5, err_msg=key)
        assert (
            (array != before[key]).any() == twin.get_parameter(key).requires_grad
            if key in dict(twin.named_parameters())
            else (array == before[key]).all()
        ), key


def test_methods_learn_which_layer_a_batch_norm_scales(model) -> None:
    program = fuse(tinyprop.capture(model, torch.zeros(1, *SHAPE), batch_norm="train").program)
    scaled = {info.name: info.scaled_by for info in layer_infos(program) if info.scaled_by}
    assert scaled == {"conv": "norm", "dense": "flat"}  # the others read what left a ReLU or an addition


def test_trained_weights_load_back_strictly(model, samples) -> None:
    trainer = tinyprop.capture(model, torch.zeros(1, *SHAPE), batch_norm="train").train("full")
    twin = Normed()
    with trainer.build("host") as engine:
        engine.fit(*samples, lr=LR)
        twin.load_state_dict({key: torch.from_numpy(array) for key, array in engine.weights().items()})
        expected = twin.eval()(torch.from_numpy(samples[0])).detach().numpy()
        np.testing.assert_allclose(engine.logits(samples[0]), expected, rtol=1e-4, atol=1e-5)


def test_statistics_are_replaced_before_an_engine_is_built_and_not_after(model) -> None:
    network = tinyprop.capture(model, torch.zeros(1, *SHAPE), batch_norm="train")
    torch.manual_seed(5)
    other = with_statistics(Normed())
    x = np.random.default_rng(1).standard_normal((2, *SHAPE)).astype(np.float32)
    with network.with_weights(other.state_dict()).train("full").build("host") as engine:
        np.testing.assert_allclose(engine.logits(x), other(torch.from_numpy(x)).detach().numpy(), rtol=1e-4, atol=1e-5)
    with network.train("full").build("host") as engine, pytest.raises(UserError, match=r"first\.running_mean"):
        engine.set_weights(other.state_dict())
    negative = {**other.state_dict(), "flat.running_var": torch.full((11,), -1.0)}
    with pytest.raises(
        UserError, match=r"weight 'flat\.running_var' holds a negative variance: pass that of a state_d"
    ):
        network.with_weights(negative)


def test_a_frozen_batch_norm_is_not_trained_by_name(model) -> None:
    network = tinyprop.capture(model, torch.zeros(1, *SHAPE))
    with pytest.raises(
        UserError,
        match=r"'joined' belongs to a batch norm and never trains: its weight and bias do in a network captured with "
        r'batch_norm="train"\.',
    ):
        network.train("full", trainable=["head", "joined"])
    with pytest.raises(UserError, match=r"no layer is called 'norm': choose from conv, second, dense, head"):
        network.train("full", trainable=["norm"])


@pytest.mark.parametrize("only_norms", [False, True])
def test_a_ds_cnn_with_trained_batch_norms_learns_as_pytorch_does(only_norms) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    card = MODELS["ds_cnn"]
    model = with_statistics(card.make())
    generator = np.random.default_rng(1)
    samples = generator.standard_normal((3, *card.input_shape)).astype(np.float32), np.array([0, 1, 0])
    names = norms_of(model) if only_norms else ["features", "classifier"]
    losses, twin = trained_by_torch(model, samples, names, 0.01)
    network = tinyprop.capture(model, torch.zeros(1, *card.input_shape), batch_norm="train")
    trainer = network.train("full", trainable=names)
    assert trainer.plan.arena_bytes <= 1.03 * trainer.plan.lower_bound_bytes
    with trainer.build("host") as engine:
        before, trace, after = engine.weights(), engine.fit(*samples, lr=0.01), engine.weights()
    np.testing.assert_allclose(trace.loss, losses, rtol=1e-3)
    state = twin.state_dict()
    for key, array in after.items():
        largest_step = np.abs(array - before[key]).max()
        np.testing.assert_allclose(array, state[key].numpy(), rtol=0, atol=2e-3 * largest_step + 1e-6, err_msg=key)
