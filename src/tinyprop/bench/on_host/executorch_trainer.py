"""ExecuTorch training, from PyPI: forward and backward as one exported program, its kernels, its SGD."""

import os
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from operator import mul
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.export.experimental import _export_forward_backward
from torch.nn import functional

from tinyprop.bench.on_host.trainer import HostTrainer, Task
from tinyprop.errors import UserError

METHOD = "forward"
FLOAT_BYTES = 4
PREFIX = "network."
MISSING = (
    "ExecuTorch is not installed, so it is left out: pip install 'tinyprop[executorch]', or take 'make bench-host', "
    "which does."
)


class _WithLoss(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return functional.cross_entropy(self.network(x), y)


class ExecuTorchTrainer(HostTrainer):
    """The documented way: `forward_backward` of its Python bindings, then a step of its optimizer.

    Raises UserError, in one sentence, where it is not installed.
    """

    def __init__(self, task: Task) -> None:
        with _silent():
            try:
                from executorch.exir import to_edge
                from executorch.extension.training import (
                    _load_for_executorch_for_training_from_buffer,
                    get_sgd_optimizer,
                )
            except ModuleNotFoundError as error:
                raise UserError(MISSING) from error
            x, y = torch.from_numpy(task.samples.x), torch.from_numpy(task.samples.y)
            self._samples = list(zip(x.split(1), y.split(1), strict=True))
            exported = torch.export.export(_WithLoss(task.module), self._samples[0], strict=True)
            joint = _export_forward_backward(exported).run_decompositions(RIGHT_POOLS)
            program = to_edge(joint).to_executorch()
            self._code = program.buffer  # the loaded program reads it
            self._loaded = _load_for_executorch_for_training_from_buffer(self._code)
            self._loaded.forward_backward(METHOD, self._samples[0])  # before this it knows no parameters
        self._parameters = self._loaded.named_parameters()
        self._start = {name: task.module.get_parameter(name.removeprefix(PREFIX)) for name in self._parameters}
        self._optimizer = get_sgd_optimizer(self._parameters, task.rate)
        self.planned_bytes = planned_bytes(program.executorch_program)

    def train(self, epochs: int) -> Sequence[object]:
        loaded, optimizer, losses = self._loaded, self._optimizer, []
        for _ in range(epochs):
            for sample in self._samples:
                losses.append(loaded.forward_backward(METHOD, sample)[0])
                optimizer.step(loaded.named_gradients())
        return losses

    def weights(self) -> Mapping[str, np.ndarray]:
        return {name.removeprefix(PREFIX): tensor.numpy().copy() for name, tensor in self._parameters.items()}

    def reset(self) -> None:
        with torch.no_grad():
            for name, tensor in self._parameters.items():
                tensor.copy_(self._start[name])


def pool_error(
    error: Tensor, x: Tensor, size: Any, stride: Any, padding: Any, dilation: Any, ceil: bool, winners: Tensor
) -> Tensor:
    """What a max pool sends down where no two windows overlap: errors at their winners, zeros elsewhere."""
    planes, inputs, outputs = x.shape[0] * x.shape[1], x.shape[2] * x.shape[3], error.shape[2] * error.shape[3]
    zeros = torch.zeros_like(x).view(planes, inputs)
    return torch.scatter(zeros, 1, winners.view(planes, outputs), error.view(planes, outputs)).view(x.shape)


# ExecuTorch 1.5.1 adds a pool's errors to whatever lay in that memory (its issue 21686), so that no network with a pool
# would learn; this asks it for the same with two other kernels, in the same time.
RIGHT_POOLS = {torch.ops.aten.max_pool2d_with_indices_backward.default: pool_error}


def planned_bytes(program: Any) -> int:
    """The memory that its planner gives a training step, and weights that lie elsewhere."""
    plan = next(plan for plan in program.execution_plan if plan.name == METHOD)
    tensors = [value.val for value in plan.values if hasattr(value.val, "data_buffer_idx")]
    elsewhere = [one for one in tensors if one.data_buffer_idx != 0 and one.allocation_info is None]
    return sum(plan.non_const_buffer_sizes) + sum(FLOAT_BYTES * reduce(mul, one.sizes, 1) for one in elsewhere)


@contextmanager
def _silent() -> Iterator[None]:
    """Nothing on stdout and stderr, where ExecuTorch tells of CPUs it cannot read and libraries it does not need."""
    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as nowhere, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kept = [(number, os.dup(number)) for number in (1, 2)]
        try:
            for number, _ in kept:
                os.dup2(nowhere.fileno(), number)
            yield
        finally:
            for number, copy in kept:
                os.dup2(copy, number)
                os.close(copy)
