"""Fisher information by the oracle's gradients is what PyTorch finds with the activations themselves."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import tinyprop
from tinyprop.choosing.fisher import fisher_information


def small_cnn() -> nn.Module:
    convolutions = [nn.Conv2d(2, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 6, 3, groups=6), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*convolutions, nn.Conv2d(6, 4, 1, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(36, 3))


def by_activations(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> dict[str, np.ndarray]:
    """Sample by sample, what every layer puts out times the gradient there."""
    sums: dict[str, np.ndarray] = {}
    for sample, label in zip(x, y, strict=True):
        value, seen = sample[None], {}
        for name, module in model.named_children():
            value = module(value)
            if isinstance(module, nn.Conv2d | nn.Linear):
                value.retain_grad()
                seen[name] = value
        functional.cross_entropy(value, label[None]).backward()
        for name, put_out in seen.items():
            product = (put_out * put_out.grad)[0].detach().double().numpy()
            channels = product.reshape(len(product), -1).sum(axis=1)
            sums[name] = sums.get(name, 0) + channels**2 / (2 * len(x))
    return sums


def test_it_is_that_of_the_activations():
    torch.manual_seed(0)
    model = small_cnn().eval()
    x, y = torch.randn(5, 2, 8, 8), torch.randint(0, 3, (5,))
    network = tinyprop.capture(model, x[:1])
    found = fisher_information(network, x, y, progress=False)
    expected = by_activations(model, x, y)
    assert len(found) == len(expected) == 4
    for (name, channels), own in zip(found.items(), expected.values(), strict=True):
        np.testing.assert_allclose(channels, own, rtol=2e-4, atol=1e-9, err_msg=name)
        assert channels.any()


def test_it_takes_targets_as_well():
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    network = tinyprop.capture(model, torch.zeros(1, 4))
    x, y = np.ones((3, 4), np.float32), np.ones((3, 2), np.float32)
    found = fisher_information(network, x, y, "mse", progress=False)
    assert [len(channels) for channels in found.values()] == [3, 2]


def test_one_truth_for_each_sample():
    network = tinyprop.capture(nn.Linear(4, 3), torch.zeros(1, 4))
    with pytest.raises(tinyprop.UserError, match="x holds 3 samples and y 2 truths"):
        fisher_information(network, np.zeros((3, 4), np.float32), np.zeros(2, int))
    with pytest.raises(tinyprop.UserError, match="at least one"):
        fisher_information(network, np.zeros((0, 4), np.float32), np.zeros(0, int))
