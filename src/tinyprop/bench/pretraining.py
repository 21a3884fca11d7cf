"""What happens before a device is shipped: ordinary batch training in PyTorch; and PyTorch as the reference."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tinyprop.data import Samples

BATCH = 32


LOSSES: dict[str, Callable[..., torch.Tensor]] = {"cross_entropy": functional.cross_entropy, "mse": functional.mse_loss}


def pretrained(
    make: Callable[[], nn.Module],
    samples: Samples,
    *,
    epochs: int,
    seed: int,
    lr: float = 0.003,
    loss: str = "cross_entropy",
) -> nn.Module:
    """A network of `make` trained with Adam on `samples`, in eval mode; the same seed gives the same weights.

    Without any samples it is as `make` gives it.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    model = make()
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    x, y = torch.from_numpy(samples.x), torch.from_numpy(samples.y)
    for _ in range(epochs if len(y) else 0):
        for batch in torch.randperm(len(y)).split(BATCH):
            optimizer.zero_grad()
            LOSSES[loss](model(x[batch]), y[batch]).backward()
            optimizer.step()
    return model.eval()


def weights_of(model: nn.Module) -> dict[str, np.ndarray]:
    """A copy of the state_dict as arrays."""
    return {name: tensor.detach().numpy().copy() for name, tensor in model.state_dict().items()}


def autograd_sgd(
    make: Callable[[], nn.Module], weights: dict[str, np.ndarray], samples: Samples, *, lr: float
) -> dict[str, np.ndarray]:
    """The weights after plain PyTorch SGD, batch 1, over `samples` in order: the reference of full training."""
    torch.set_num_threads(1)
    model = make()
    model.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for x, y in zip(torch.from_numpy(samples.x), torch.from_numpy(samples.y), strict=True):
        optimizer.zero_grad()
        functional.cross_entropy(model(x[None]), y[None]).backward()
        optimizer.step()
    return weights_of(model)
