"""Every recipe carried out with several seeds, and how far it gets on the test part of its data set."""

import multiprocessing
import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.queues import Queue

import numpy as np
import torch
from scipy import stats

from tinyprop.bench.compare.weights_file import read_weights
from tinyprop.bench.progress import Advance
from tinyprop.bench.recipes.shipped import network_of, recipe_data, shipped_by_name
from tinyprop.bench.recipes.table import RECIPES
from tinyprop.bench.recipes.training import accuracy
from tinyprop.errors import UserError

POLL_SECONDS = 0.5
Told = tuple[str, int, int]  # recipe, seed, epochs done

_queue: "Queue[Told] | None" = None  # of this process, when it is a worker: set once, as it starts


@dataclass(frozen=True)
class Measured:
    """A recipe with one seed; percent. weights: name of the file in the cache, a hash of what decided it."""

    recipe: str
    seed: int
    test_accuracy: float
    validation_accuracy: float
    weights: str


@dataclass(frozen=True)
class Floor:
    """A recipe over its seeds.

    dataset: as results are filed; stands_in_for: see `DataSet`. accuracies: percent of test, by seed; ci95: half of the
    95 % interval of their mean, None for one seed. reached: whether the mean is at or above the floor, None where none
    was set.
    """

    recipe: str
    dataset: str
    title: str
    stands_in_for: str | None
    network: str
    parameters: int
    seeds: int
    accuracies: tuple[float, ...]
    accuracy_mean: float
    accuracy_ci95: float | None
    validation_mean: float
    floor: float | None
    reached: bool | None
    weights: tuple[str, ...]


def measured(names: Sequence[str], seeds: int, processes: int, advance: Advance) -> tuple[Floor, ...]:
    """Trains what the cache does not hold yet. advance: told ("training", epochs done, in all).

    Raises UserError when a process dies; what was trained until then is in the cache.
    """
    runs: dict[tuple[str, int], Measured] = {}
    told: dict[tuple[str, int], int] = {}
    in_all = sum(RECIPES[name].epochs * seeds for name in names)

    def report(recipe: str, seed: int, epochs: int) -> None:
        told[recipe, seed] = epochs
        advance("training", sum(count for (name, _), count in told.items() if name in names), in_all)

    with _pool(processes) as (pool, messages):
        for names_now in _rounds(names):
            futures = {pool.submit(_measure, name, seed): (name, seed) for name in names_now for seed in range(seeds)}
            open_ones = set(futures)
            while open_ones:
                done, open_ones = wait(open_ones, POLL_SECONDS, return_when="FIRST_EXCEPTION")
                _drain(messages, report)
                runs.update({futures[future]: future.result() for future in done})
    return tuple(_floor_of(name, [runs[name, seed] for seed in range(seeds)]) for name in names)


def _rounds(names: Sequence[str]) -> tuple[list[str], ...]:
    """Those that others start from come first, so that none is trained twice at the same time."""
    starts = {RECIPES[name].start for name in names}
    return [name for name in names if name in starts], [name for name in names if name not in starts]


@contextmanager
def _pool(processes: int) -> Iterator[tuple[ProcessPoolExecutor, "Queue[Told]"]]:
    spawn = multiprocessing.get_context("spawn")  # forking a process in which torch has run may hang
    messages: Queue[Told] = spawn.Queue()
    with ProcessPoolExecutor(processes, mp_context=spawn, initializer=_tell, initargs=(messages,)) as pool:
        try:
            yield pool, messages
        except BrokenProcessPool as error:
            raise UserError(
                "a process died while it trained, out of memory perhaps: call the command again, it goes on with what "
                "is missing; with fewer --processes if it happens again."
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _tell(messages: "Queue[Told]") -> None:
    global _queue
    _queue = messages


def _drain(messages: "Queue[Told]", report: Callable[[str, int, int], None]) -> None:
    while True:
        try:
            report(*messages.get_nowait())
        except queue.Empty:
            return


def _measure(name: str, seed: int) -> Measured:
    def report(done: int, _total: int) -> None:
        if _queue is not None:
            _queue.put((name, seed, done))

    path = shipped_by_name(name, seed=seed, report=report)
    data = recipe_data(name)
    module = network_of(RECIPES[name], data)()
    module.load_state_dict({key: torch.from_numpy(array) for key, array in read_weights(path).items()})
    module.eval()
    return Measured(name, seed, accuracy(module, data.test), accuracy(module, data.validation), path.stem)


def _floor_of(name: str, runs: Sequence[Measured]) -> Floor:
    """What the runs of a recipe come to."""
    recipe, data = RECIPES[name], recipe_data(name)
    accuracies = [run.test_accuracy for run in runs]
    mean = float(np.mean(accuracies))
    interval = float(stats.t.ppf(0.975, len(runs) - 1) * stats.sem(accuracies)) if len(runs) > 1 else None
    return Floor(
        recipe=name,
        dataset=data.name,
        title=data.title,
        stands_in_for=data.stands_in_for,
        network=recipe.network,
        parameters=sum(p.numel() for p in network_of(recipe, data)().parameters()),
        seeds=len(runs),
        accuracies=tuple(accuracies),
        accuracy_mean=mean,
        accuracy_ci95=interval,
        validation_mean=float(np.mean([run.validation_accuracy for run in runs])),
        floor=recipe.floor,
        reached=None if recipe.floor is None else mean >= recipe.floor,
        weights=tuple(run.weights for run in runs),
    )
