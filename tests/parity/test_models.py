"""The networks of the field: captured, planned within 3 % of the bound, and trained as PyTorch trains them."""

import copy
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

import tinyprop
from tinyprop.models import MODELS

STEPS, LR = 2, 0.01


def with_statistics(model: nn.Module) -> nn.Module:
    """Batch norms that have seen data, so that folding them changes something."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
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


@pytest.mark.parametrize("name", sorted(MODELS))
def test_trains_as_pytorch_does(name: str) -> None:
    card = MODELS[name]
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = with_statistics(card.make())
    trainer = tinyprop.capture(model, torch.zeros(1, *card.input_shape), name=name).train("full", loss=card.loss)
    assert trainer.plan.arena_bytes <= 1.03 * trainer.plan.lower_bound_bytes
    generator = np.random.default_rng(1)
    x = generator.standard_normal((STEPS, *card.input_shape)).astype(np.float32)
    targets = card.loss == "mse"
    y = x.reshape(STEPS, -1) if targets else generator.integers(0, 2, STEPS)
    twin = folded(model)
    optimizer = torch.optim.SGD(twin.parameters(), lr=LR)
    losses = []
    for sample, truth in zip(torch.from_numpy(x), torch.from_numpy(y), strict=True):
        optimizer.zero_grad()
        criterion = functional.mse_loss if targets else functional.cross_entropy
        loss = criterion(twin(sample[None]), truth[None])
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
    with trainer.build("host") as engine:
        before, trace, after = engine.weights(), engine.fit(x, y, lr=LR), engine.weights()
    np.testing.assert_allclose(trace.loss, losses, rtol=2e-4)
    expected = {key: value.detach().numpy() for key, value in twin.state_dict().items()}
    for key, array in after.items():
        largest_step = np.abs(array - before[key]).max()
        np.testing.assert_allclose(array, expected[key], rtol=0, atol=2e-3 * largest_step + 1e-6, err_msg=key)


@pytest.mark.parametrize("method", ["tinyprop_v1", "ours"])  # between them every rule that selects
@pytest.mark.parametrize("name", sorted(MODELS))
def test_layers_of_one_size_and_other_shapes_are_told_apart(name: str, method: str) -> None:
    card = MODELS[name]
    network = tinyprop.capture(card.make().eval(), torch.zeros(1, *card.input_shape), name=name)
    assert network.train(method, loss=card.loss).sources.name == name
