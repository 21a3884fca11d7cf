"""The networks of the field: captured, planned within 3 % of the bound, and trained as PyTorch trains them."""

import copy
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

import tinyprop
from tinyprop.codegen.layout import weight_hash
from tinyprop.ir import oracle as oracle_module
from tinyprop.ir.oracle import OracleTrainer
from tinyprop.models import MODELS
from tinyprop.surface import Trainer

LR = 0.1
# How far gradients may lie from PyTorch's, in float64: of the largest of an array and, as weights are rounded, of its
# weights.
OF_GRADIENT, OF_WEIGHT = 1e-10, 2.0**-52


def alive(name: str) -> nn.Module:
    """A network whose batch norms have seen data, as a trained one's have: signals and errors keep their size through
    all layers, and folding changes something."""
    model = MODELS[name].make().train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.momentum = None  # the mean of all that was seen
    with torch.no_grad():
        model(torch.randn(16, *MODELS[name].input_shape))
    return model.eval()


def pairs(sequence: nn.Sequential) -> Iterator[tuple[str, str]]:
    yield from pairwise(list(sequence._modules))


def folded(model: nn.Module) -> nn.Module:
    """The same network with every batch norm inside the layer before it: what the device trains."""
    twin = copy.deepcopy(model)
    for sequence in [module for module in twin.modules() if isinstance(module, nn.Sequential)]:
        for first, second in pairs(sequence):
            layer, norm = sequence._modules[first], sequence._modules[second]
            if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
                fuse = fuse_conv_bn_eval if isinstance(layer, nn.Conv2d) else fuse_linear_bn_eval
                sequence._modules[first] = fuse(layer, norm)
                sequence._modules[second] = nn.Identity()
    return twin.requires_grad_()  # the biases that folding makes, too


# Every network with its batch norms folded; three with batch norms that train, too.
TRAINED = [(name, "fold") for name in sorted(MODELS)]
TRAINED += [(name, "train") for name in ("ds_cnn", "resnet8", "mobilenet_v1")]


@cache
def captured(name: str, batch_norm: str = "fold") -> tuple[Trainer, nn.Module]:
    """A network as the device trains it, and PyTorch's of the very same weights, batch norms folded or not.

    The same to the bit: where a ReLU6 is at a bound, the last bit of a weight decides whether an error passes.
    """
    card = MODELS[name]
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = alive(name)
    network = tinyprop.capture(model, torch.zeros(1, *card.input_shape), name=name, batch_norm=batch_norm)
    trainer = network.train("full", loss=card.loss)
    twin = folded(model) if batch_norm == "fold" else model
    state = twin.state_dict()
    for key, array in trainer.train_program.program.parameters.items():
        np.testing.assert_allclose(array, state[key].numpy(), rtol=1e-5, atol=1e-6, err_msg=key)
        state[key] = torch.from_numpy(array.copy())
    twin.load_state_dict(state)
    return trainer, twin


def lesson(trainer: Trainer) -> tuple[np.ndarray, np.ndarray | int]:
    """A sample, and its label or what it is to be reconstructed as."""
    x = np.random.default_rng(1).standard_normal(trainer.train_program.program.input.shape).astype(np.float32)
    return x, x.ravel() if trainer.train_program.loss.learns_targets else 1


def torch_loss(twin: nn.Module, sample: np.ndarray, truth: np.ndarray | int) -> torch.Tensor:
    dtype = next(twin.parameters()).dtype
    y, target = twin(torch.from_numpy(sample[None]).to(dtype)), torch.as_tensor(truth)
    return functional.mse_loss(y[0], target.to(dtype)) if target.ndim else functional.cross_entropy(y, target[None])


@pytest.mark.parametrize(("name", "batch_norm"), TRAINED)
def test_gradients_are_those_of_autograd(name: str, batch_norm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The training step's own mathematics in float64: the loss, and every gradient of every weight."""
    trainer, twin = captured(name, batch_norm)
    x, truth = lesson(trainer)
    twin = copy.deepcopy(twin).double()
    loss = torch_loss(twin, x, truth)
    loss.backward()
    monkeypatch.setattr(oracle_module, "frozen_array", lambda array: np.array(array, np.float64))
    oracle = OracleTrainer(trainer.train_program)
    oracle.parameters = {key: array.astype(np.float64) for key, array in oracle.parameters.items()}
    before = dict(oracle.parameters)
    np.testing.assert_allclose(oracle.step(x, truth, 1.0).loss, loss.item(), rtol=1e-12)
    for key, parameter in twin.named_parameters():
        gradient = parameter.grad.numpy()
        assert np.abs(gradient).max() > 1e-6, f"{key} has no gradient to speak of"
        difference = np.abs(before[key] - oracle.parameters[key] - gradient).max()
        assert difference <= OF_GRADIENT * np.abs(gradient).max() + OF_WEIGHT * np.abs(before[key]).max(), key


@pytest.mark.parametrize(("name", "batch_norm"), TRAINED)
def test_the_engine_learns_what_the_oracle_learns_bit_for_bit(name: str, batch_norm: str) -> None:
    """In float32, where PyTorch adds in another order: its loss is the same within rounding.

    Its gradients in float32 are no yardstick: a sum at a bound of a ReLU6 passes an error or not by its last bit.
    """
    trainer, twin = captured(name, batch_norm)
    x, truth = lesson(trainer)
    oracle = OracleTrainer(trainer.train_program)
    expected = oracle.fit(x[None], [truth], LR)
    with trainer.build("host") as engine:
        before, trace, after = engine.weights(), engine.fit(x[None], np.array([truth]), lr=LR), engine.weights()
        assert engine.weight_hash() == weight_hash(oracle.parameters)
    np.testing.assert_array_equal(trace.loss, expected.loss)
    np.testing.assert_allclose(trace.loss, torch_loss(twin, x, truth).item(), rtol=1e-5)
    assert all((before[key] != after[key]).any() for key in trainer.train_program.trainable)
    assert set(trainer.train_program.trainable) == {key for key, _ in twin.named_parameters()}


@pytest.mark.parametrize("method", ["tinyprop_v1", "ours"])  # between them every rule that selects
@pytest.mark.parametrize("name", sorted(MODELS))
def test_layers_of_one_size_and_other_shapes_are_told_apart(name: str, method: str) -> None:
    card = MODELS[name]
    network = tinyprop.capture(card.make().eval(), torch.zeros(1, *card.input_shape), name=name)
    assert network.train(method, loss=card.loss).sources.name == name
