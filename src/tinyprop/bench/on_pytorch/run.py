"""Runs the PyTorch benchmark: the same batch under every method, first checked, then timed in turns."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch

from tinyprop.bench.on_host.folding import folded
from tinyprop.bench.on_host.run import cpu_name, one_thread, random_samples, versions
from tinyprop.bench.on_host.trainer import Task
from tinyprop.bench.on_pytorch.batch_trainer import BatchTrainer
from tinyprop.bench.on_pytorch.config import BY_LOSS, NETWORKS, PytorchConfig
from tinyprop.bench.on_pytorch.records import DENSE, PytorchReport, PytorchRow
from tinyprop.bench.on_pytorch.shares import samples_in, tau_that_skips
from tinyprop.bench.progress import Advance
from tinyprop.errors import InternalError
from tinyprop.methods import METHODS, Full, Method, method_named

DISTRIBUTIONS = ("tinyprop", "torch", "numpy")
STANDSTILL = 0.0  # as learning rate: the step costs the same, and every one sees the same errors


@dataclass(frozen=True)
class Way:
    """One way to train, None: without a method. percent: of the batch that its settings skip, None: its defaults."""

    method: Method | None
    percent: int | None = None

    @property
    def title(self) -> str:
        """As tables print it."""
        return DENSE if self.method is None else self.method.title


def run_on_pytorch(advance: Advance, config: PytorchConfig | None = None) -> PytorchReport:
    """All networks of `config`, one after the other. advance: told (stage, rounds done, rounds in all).

    Raises InternalError where full training has other gradients than PyTorch, or a share is not the one asked for.
    """
    config = config or PytorchConfig()
    rows: list[PytorchRow] = []
    with one_thread():
        for name in config.networks:
            advance(name, 0, config.rounds)
            task = task_of(name, config)
            trained = [(way, BatchTrainer(task, way.method)) for way in ways(task, config)]
            require_comparable(name, trained, config)
            rows += timed(name, trained, config, advance)
    return PytorchReport(
        rows=tuple(rows),
        aims={name: NETWORKS[name].aim for name in config.networks},
        batch=config.batch,
        cpu=cpu_name(),
        versions=versions(DISTRIBUTIONS),
    )


def task_of(name: str, config: PytorchConfig) -> Task:
    """The network with fresh weights, and a batch of random samples."""
    network = NETWORKS[name]
    torch.manual_seed(config.seed)
    module = folded(network.make())
    samples = random_samples(config.batch, network.input_shape, network.classes, config.seed)
    return Task(name, module, samples, STANDSTILL)


def ways(task: Task, config: PytorchConfig) -> Iterator[Way]:
    """Without a method, under each at its defaults, and under those that skip by loss with the shares asked for."""
    yield Way(None)
    for name in METHODS:
        yield Way(method_named(name))
    losses = BatchTrainer(task, None).losses()
    for name in BY_LOSS:
        for percent in config.percents:
            tau = tau_that_skips(samples_in(percent, config.batch), losses)
            yield Way(method_named(name, tau=tau), percent)


def require_comparable(name: str, trained: Sequence[tuple[Way, BatchTrainer]], config: PytorchConfig) -> None:
    """One step of each, not timed. Raises InternalError where full training or a share is not what it should be."""
    for _, trainer in trained:
        trainer.train(1)
    [dense] = [trainer for way, trainer in trained if way.method is None]
    [full] = [trainer for way, trainer in trained if isinstance(way.method, Full)]
    own = full.gradients()
    for parameter, expected in dense.gradients().items():
        found = own[parameter]
        if expected is None or found is None or not torch.equal(found, expected):
            raise InternalError(f"{Full.title} has another gradient of {parameter} on {name} than PyTorch.")
    for way, trainer in trained:
        statistics = trainer.statistics()
        if way.percent is not None and statistics is not None:
            count, found_count = samples_in(way.percent, config.batch), round(statistics.skipped * config.batch)
            if found_count != count:
                raise InternalError(f"{way.title} skips {found_count} samples on {name}, not the {count} asked for.")


def timed(
    name: str, trained: Sequence[tuple[Way, BatchTrainer]], config: PytorchConfig, advance: Advance
) -> list[PytorchRow]:
    """Each in turn, round by round, so that whatever else the machine does meets all of them."""
    steps = NETWORKS[name].steps
    seconds = np.empty((len(trained), config.rounds))
    for done in range(config.rounds):
        for number, (_, trainer) in enumerate(trained):
            start = time.perf_counter()
            trainer.train(steps)
            seconds[number, done] = time.perf_counter() - start
        advance(name, done + 1, config.rounds)
    return [
        _row(name, way, steps, tuple((1e6 * own / steps).round(2).tolist()), trainer)
        for (way, trainer), own in zip(trained, seconds, strict=True)
    ]


def _row(name: str, way: Way, steps: int, microseconds: tuple[float, ...], trainer: BatchTrainer) -> PytorchRow:
    statistics = trainer.statistics()
    return PytorchRow(
        network=name,
        title=way.title,
        percent=way.percent,
        settings={} if way.method is None else asdict(way.method),
        steps=steps,
        microseconds=microseconds,
        skipped=None if statistics is None else statistics.skipped,
        effort_bwd=None if statistics is None else statistics.effort_bwd,
    )
