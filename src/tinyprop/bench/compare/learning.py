"""What happens between the two looks at a run's accuracy: samples of the field, from a stream or from a store."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import tinyprop
from tinyprop.bench.compare.cell import Cell, Checkpoint, Replay
from tinyprop.bench.compare.judging import Judge
from tinyprop.bench.compare.task import Task
from tinyprop.errors import InternalError
from tinyprop.store import SampleStore
from tinyprop.trace import StepTrace, StoreTrace

KEPT_DIGITS = 5  # of a share: more would only fill the store of results


@dataclass(frozen=True)
class Learned:
    """run: every step, and every turn in which a sample slept."""

    curve: tuple[Checkpoint, ...]
    run: StoreTrace

    @property
    def idle(self) -> float:
        """Share of turns without a backward pass: the sample slept, or its step was skipped."""
        return 1 - int((~self.run.steps.skipped).sum()) / self.run.turns


def learned(engine: tinyprop.Engine, cell: Cell, task: Task, judge: Judge, n: np.ndarray) -> Learned:
    """Trains as `cell` says and looks at the accuracy on the way. n (T,): entries of δ by layer."""
    curve: list[Checkpoint] = []
    runs: list[StoreTrace] = []
    parts = np.zeros(3, np.int64)
    replay = cell.trains.store
    for run in _streamed(engine, cell, task) if replay is None else _from_store(engine, cell, replay, task):
        runs.append(run)
        parts += _work(run.steps)
        kept = tuple(round(share, KEPT_DIGITS) for share in (run.steps.kept.sum(axis=0) / n / run.turns).tolist())
        turns = sum(one.turns for one in runs)
        curve.append(Checkpoint(turns, judge(engine, task.test), int(parts.sum()), kept, tuple(parts.tolist())))
    return Learned(tuple(curve), StoreTrace.joined(runs))


def _work(trace: StepTrace) -> np.ndarray:
    """Multiply-adds forward, backward, and looks, in all; none where every sample slept."""
    if not len(trace):
        return np.zeros(3, np.int64)
    counts = (trace.macs_forward, trace.macs_backward, trace.looks)
    if any(counted is None for counted in counts):
        raise InternalError("a comparison needs an engine that counts multiply-adds: the host's")
    return np.array([counted.sum() for counted in counts if counted is not None])


def _streamed(engine: tinyprop.Engine, cell: Cell, task: Task) -> Iterator[StoreTrace]:
    """Every sample of the field once in each of its passes, in an order of the seed's."""
    field, rng = task.field, np.random.default_rng(cell.seed)
    order = np.concatenate([rng.permutation(len(field)) for _ in range(cell.field_epochs)])
    for part in np.array_split(order, min(cell.checkpoints, len(order))):
        trace = engine.fit(field.x[part], field.y[part], lr=cell.rate, progress=False)
        yield StoreTrace(trace, np.array([len(trace)]), np.array([0]))


def _from_store(engine: tinyprop.Engine, cell: Cell, replay: Replay, task: Task) -> Iterator[StoreTrace]:
    """Every sample of the field comes once, and is offered; after each part of them the store has a round.

    As many parts as give a full store no more turns than the stream has steps. Of a store of latents each sample goes
    through the frozen prefix once, when it is offered.
    """
    field, shipped = task.field, task.pretrain if replay.shipped else task.pretrain.first(0)
    known = task.pretrain if len(task.pretrain) else field  # of which the range of values is known beforehand

    def kept(x: np.ndarray) -> np.ndarray:
        return engine.latents(x, progress=False) if replay.latent and len(x) else x

    values = kept(known.x)
    store = SampleStore(
        replay.capacity,
        tuple(values.shape[1:]),
        engine.facts.outputs,
        bits=replay.bits,
        low=float(values.min()),
        high=float(values.max()),
        seed=cell.seed,
        longest_sleep=replay.longest_sleep,
        latent=replay.latent,
    )
    if len(shipped):
        store.offer_all(kept(shipped.x), shipped.y)
    order = np.random.default_rng(cell.seed).permutation(len(field))
    for part in np.array_split(order, max(1, cell.field_epochs * len(field) // replay.capacity)):
        store.offer_all(kept(field.x[part]), field.y[part])
        yield engine.fit_from_store(store, lr=cell.rate, progress=False)
