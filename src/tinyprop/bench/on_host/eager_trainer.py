"""PyTorch eager: the plainest loop there is."""

import copy
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch.nn import functional

from tinyprop.bench.on_host.trainer import HostTrainer, Task
from tinyprop.bench.pretraining import weights_of


class EagerTrainer(HostTrainer):
    """torch.optim.SGD as it comes: one operation per parameter."""

    foreach = False

    def __init__(self, task: Task) -> None:
        self._start = task.module.state_dict()
        self._module = copy.deepcopy(task.module)
        self._optimizer = torch.optim.SGD(self._module.parameters(), lr=task.rate, foreach=self.foreach)
        x, y = torch.from_numpy(task.samples.x), torch.from_numpy(task.samples.y)
        self._samples = list(zip(x.split(1), y.split(1), strict=True))

    def train(self, epochs: int) -> Sequence[object]:
        model, optimizer, losses = self._module, self._optimizer, []
        for _ in range(epochs):
            for x, y in self._samples:
                optimizer.zero_grad(set_to_none=True)
                loss = functional.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
                losses.append(loss.detach())
        return losses

    def weights(self) -> Mapping[str, np.ndarray]:
        return weights_of(self._module)

    def reset(self) -> None:
        self._module.load_state_dict(self._start)


class ForeachTrainer(EagerTrainer):
    """The same with SGD's operations on all parameters at once."""

    foreach = True
