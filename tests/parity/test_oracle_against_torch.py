"""Full training: ten losses in a row of the oracle against PyTorch's SGD, batch 1, from the same weights."""

import numpy as np
import pytest
import torch
from torch import nn

from tinyprop.frontend import capture
from tinyprop.ir.differentiate import differentiate, layer_infos
from tinyprop.ir.losses import CrossEntropy
from tinyprop.ir.oracle import OracleTrainer
from tinyprop.ir.passes import fuse
from tinyprop.methods.full import Full

LR = 0.05
MODELS = {
    "mlp": (lambda: nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 4)), (12,)),
    "cnn_fused_pool": (
        lambda: nn.Sequential(
            *(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(4, 6, 3, padding=1), nn.MaxPool2d(2), nn.ReLU()),
            *(nn.Flatten(), nn.Linear(24, 4)),
        ),
        (1, 9, 9),
    ),
    "cnn_other_pools": (
        lambda: nn.Sequential(
            *(nn.Conv2d(2, 4, 3, stride=2), nn.ReLU(), nn.MaxPool2d(3, stride=1, padding=1)),
            *(nn.Conv2d(4, 3, 2, bias=False), nn.MaxPool2d(2, stride=1), nn.Flatten(), nn.ReLU()),
            *(nn.Dropout(), nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, 4)),
        ),
        (2, 9, 9),
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_ten_losses_and_the_weights_after_them(name) -> None:
    build, shape = MODELS[name]
    torch.manual_seed(3)
    model = build().eval()
    x = torch.randn(10, *shape)
    labels = torch.randint(0, 4, (10,))
    program = fuse(capture(model, x[:1], name=name))
    oracle = OracleTrainer(differentiate(program, Full().spec(layer_infos(program)), CrossEntropy()))

    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    for sample, label in zip(x, labels, strict=True):
        np.testing.assert_allclose(oracle.infer(sample.numpy()), model(sample[None])[0].detach(), rtol=1e-4, atol=1e-5)
        loss = nn.functional.cross_entropy(model(sample[None]), label[None])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step = oracle.step(sample.numpy(), int(label), LR)
        assert step.loss == pytest.approx(loss.item(), rel=1e-4, abs=1e-5)
    for key, tensor in model.state_dict().items():
        np.testing.assert_allclose(oracle.parameters[key], tensor.numpy(), rtol=1e-4, atol=1e-5)
        assert not np.array_equal(oracle.parameters[key], program.parameters[key])
