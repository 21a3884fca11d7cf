"""Our host engine, which takes many samples in one call; and the same with a call from Python for every step."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from tinyprop.bench.on_host.trainer import HostTrainer, Task
from tinyprop.methods import Full
from tinyprop.surface import capture


class EngineTrainer(HostTrainer):
    """Full training, every value computed, as PyTorch does it."""

    def __init__(self, task: Task) -> None:
        shape = task.samples.x.shape[1:]
        trainer = capture(task.module, torch.zeros(1, *shape), name=task.name).train(Full())
        self._engine = trainer.build("host")
        self._samples, self._rate = task.samples, task.rate
        self.planned_bytes = trainer.memory.training

    def train(self, epochs: int) -> Sequence[object]:
        samples = self._samples
        return self._engine.fit(samples.x, samples.y, lr=self._rate, epochs=epochs, progress=False).loss.tolist()

    def weights(self) -> Mapping[str, np.ndarray]:
        return self._engine.weights()

    def reset(self) -> None:
        self._engine.reset()


class CalledTrainer(EngineTrainer):
    """One call of `fit` per sample."""

    def train(self, epochs: int) -> Sequence[object]:
        x, y, fit = self._samples.x, self._samples.y, self._engine.fit
        return [
            fit(x[i : i + 1], y[i : i + 1], lr=self._rate, progress=False).loss[0]
            for _ in range(epochs)
            for i in range(len(y))
        ]
