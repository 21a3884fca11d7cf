"""The plainest loop of PyTorch on one batch, with or without a method on the model."""

import copy

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from tinyprop.bench.on_host.trainer import Task
from tinyprop.methods import Method
from tinyprop.nn.statistics import Statistics
from tinyprop.surface import apply_


class BatchTrainer:
    """All samples of the task in one batch. method: applied to the model, None: PyTorch as it comes."""

    def __init__(self, task: Task, method: Method | None) -> None:
        self._model = copy.deepcopy(task.module)
        self._x, self._y = torch.from_numpy(task.samples.x), torch.from_numpy(task.samples.y)
        self._handle = None if method is None else apply_(self._model, method, example_input=self._x[:1])
        self._optimizer = torch.optim.SGD(self._model.parameters(), lr=task.rate)

    def train(self, steps: int) -> None:
        """So many steps of forward, mean cross-entropy, backward and SGD."""
        model, optimizer, x, y = self._model, self._optimizer, self._x, self._y
        for _ in range(steps):
            optimizer.zero_grad(set_to_none=True)
            functional.cross_entropy(model(x), y).backward()
            optimizer.step()

    def losses(self) -> np.ndarray:
        """Of each sample (N,), with the weights as they are."""
        with torch.no_grad():
            return functional.cross_entropy(self._model(self._x), self._y, reduction="none").numpy()

    def gradients(self) -> dict[str, Tensor | None]:
        """Of the last step, by the names of the state_dict; None where nothing was computed."""
        return {name: parameter.grad for name, parameter in self._model.named_parameters()}

    def statistics(self) -> Statistics | None:
        """What the method counted so far, None without one; it counts from here on."""
        if self._handle is None:
            return None
        found = self._handle.stats()
        self._handle.restart_stats()
        return found
