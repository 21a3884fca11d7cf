"""Runs the host benchmark: the same training by every trainer, first compared, then timed in turns."""

import contextlib
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import torch

from tinyprop.bench.on_host.config import NETWORKS, HostConfig
from tinyprop.bench.on_host.eager_trainer import EagerTrainer, ForeachTrainer
from tinyprop.bench.on_host.engine_trainer import CalledTrainer, EngineTrainer
from tinyprop.bench.on_host.executorch_trainer import ExecuTorchTrainer
from tinyprop.bench.on_host.folding import folded
from tinyprop.bench.on_host.records import CALLED, EAGER, EXECUTORCH, FOREACH, OURS, HostReport, HostRun
from tinyprop.bench.on_host.trainer import HostTrainer, Task
from tinyprop.bench.progress import Advance
from tinyprop.data import Samples
from tinyprop.errors import InternalError, UserError
from tinyprop.targets.toolchain import host_compiler

TRAINERS: Mapping[str, Callable[[Task], HostTrainer]] = {
    OURS: EngineTrainer,
    CALLED: CalledTrainer,
    EAGER: EagerTrainer,
    FOREACH: ForeachTrainer,
    EXECUTORCH: ExecuTorchTrainer,
}
DISTRIBUTIONS = ("tinyprop", "torch", "numpy", "ziglang", "executorch")
TOLERANCE = 1e-4  # of losses and weights, after one pass; rounding alone leaves a hundredth of it


def run_on_host(advance: Advance, config: HostConfig | None = None) -> HostReport:
    """All networks of `config`, one after the other. advance: told (stage, rounds done, rounds in all).

    A trainer that is not installed is left out and the report says why. Raises InternalError where two trainers do
    not train the same, UserError when zig is missing.
    """
    config = config or HostConfig()
    runs: list[HostRun] = []
    missing = ""
    with one_thread():
        for name in config.networks:
            advance(name, 0, config.rounds)
            trainers, missing = _made(task_of(name, config), config.trainers or tuple(TRAINERS))
            runs += timed(name, trainers, config, advance)
    return HostReport(
        runs=tuple(runs),
        missing=missing,
        aims={name: NETWORKS[name].aim for name in config.networks},
        rate=config.rate,
        cpu=cpu_name(),
        compiler=_compiler(),
        versions=versions(DISTRIBUTIONS),
    )


def task_of(name: str, config: HostConfig) -> Task:
    """The network with fresh weights, and random samples."""
    network = NETWORKS[name]
    torch.manual_seed(config.seed)
    module = folded(network.make())
    samples = random_samples(config.samples, network.input_shape, network.classes, config.seed)
    return Task(name.lower().replace("-", "_"), module, samples, config.rate)


def random_samples(count: int, shape: tuple[int, ...], classes: int, seed: int) -> Samples:
    """x (count, *shape) without a zero, which would be less work for us alone; any labels."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, *shape)).astype(np.float32)
    return Samples(x, rng.integers(0, classes, count))


def timed(name: str, trainers: Mapping[str, HostTrainer], config: HostConfig, advance: Advance) -> list[HostRun]:
    """Every trainer in turn, round by round, so that whatever else the machine does meets all of them."""
    off = differences(name, trainers)
    epochs = NETWORKS[name].epochs
    steps = epochs * config.samples
    seconds: dict[str, list[float]] = {title: [] for title in trainers}
    for done in range(config.rounds):
        for title, trainer in trainers.items():
            trainer.reset()
            start = time.perf_counter()
            trainer.train(epochs)
            seconds[title].append(time.perf_counter() - start)
        advance(name, done + 1, config.rounds)
    return [
        HostRun(name, title, steps, _microseconds(seconds[title], steps), trainer.planned_bytes, off[title])
        for title, trainer in trainers.items()
    ]


def differences(name: str, trainers: Mapping[str, HostTrainer]) -> dict[str, float]:
    """The largest difference of any loss or weight to the first trainer of PyTorch, after one pass over the samples.

    Raises InternalError when it is more than rounding explains.
    """
    after: dict[str, tuple[np.ndarray, Mapping[str, np.ndarray]]] = {}
    for title, trainer in trainers.items():
        trainer.reset()
        losses = np.array([float(loss) for loss in trainer.train(1)])  # type: ignore[arg-type]
        after[title] = losses, trainer.weights()
    expected, weights = after[EAGER]
    off = {}
    for title, (losses, own) in after.items():
        apart = [np.abs(losses - expected).max(), *(np.abs(own[key] - array).max() for key, array in weights.items())]
        off[title] = float(np.max(apart))
        if not off[title] <= TOLERANCE:
            raise InternalError(f"{title} trains {name} otherwise than PyTorch, by {off[title]:g}: no comparison.")
    return off


def _made(task: Task, titles: tuple[str, ...]) -> tuple[dict[str, HostTrainer], str]:
    """The trainers that are installed, and the sentence of one that is not."""
    made, missing = {}, ""
    for title in titles:
        try:
            made[title] = TRAINERS[title](task)
        except UserError as error:
            if title != EXECUTORCH:
                raise
            missing = str(error)
    return made, missing


def _microseconds(seconds: list[float], steps: int) -> tuple[float, ...]:
    return tuple(round(1e6 * one / steps, 4) for one in seconds)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch computes on one thread for a while, afterwards on as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def cpu_name() -> str:
    """What the CPU calls itself."""
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _compiler() -> str:
    compiler = host_compiler()
    optimise = [flag for flag in compiler.flags if flag.startswith(("-O", "-mcpu", "-ffp-contract"))]
    return " ".join((compiler.identity, *optimise))


def versions(distributions: tuple[str, ...]) -> dict[str, str]:
    """Of those that are installed."""
    found = {}
    for name in distributions:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
