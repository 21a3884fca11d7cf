"""What happened in a run of training steps; every engine, host or board, returns the same records."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np


@dataclass(frozen=True)
class StepTrace:
    """One row per training step, in the order the samples were taken (N steps, T trainable layers).

    loss (N,) float32, before the step · predicted (N,) int, the largest output, before the step · skipped (N,) bool ·
    kept (N, T) int, entries of δ back-propagated, forward order of layers, 0 where the pass did not come ·
    macs_forward, macs_backward, looks (N,) int: multiply-adds and selection looks really executed, from an
    instrumented engine, else None · instructions (N,) int: counted by an emulator, else None.
    """

    loss: np.ndarray
    predicted: np.ndarray
    skipped: np.ndarray
    kept: np.ndarray
    macs_forward: np.ndarray | None = None
    macs_backward: np.ndarray | None = None
    looks: np.ndarray | None = None
    instructions: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.loss)

    @staticmethod
    def joined(traces: "list[StepTrace]") -> "StepTrace":
        """The traces one behind the other; a column that one of them lacks is left out."""
        columns: dict[str, Any] = {}
        for field in fields(StepTrace):
            parts = [getattr(trace, field.name) for trace in traces]
            columns[field.name] = None if any(p is None for p in parts) else np.concatenate(parts)
        return StepTrace(**columns)

    @staticmethod
    def empty(layers: int) -> "StepTrace":
        """No step; layers: T."""
        no_count = np.empty(0, np.int64)
        return StepTrace(np.empty(0, np.float32), no_count, np.empty(0, bool), np.empty((0, layers), np.int64))


@dataclass(frozen=True)
class StoreTrace:
    """A run of rounds through a store of samples: its steps, and per round (R,) what it visited and passed by.

    visits: samples that were awake, each a step. slept: samples that were not even looked at. latent: whether the steps
    began behind the frozen prefix, which then is in none of their counts.
    """

    steps: StepTrace
    visits: np.ndarray
    slept: np.ndarray
    latent: bool = False

    @property
    def turns(self) -> int:
        """Visits and turns slept, of all rounds."""
        return int(self.visits.sum() + self.slept.sum())

    @property
    def awake(self) -> float:
        """Share of the turns in which the sample was awake: 1 where nothing sleeps. Times the effort of the steps it is
        the effort of the run, slept turns counted as none."""
        return int(self.visits.sum()) / self.turns if self.turns else 1.0

    @staticmethod
    def joined(runs: "list[StoreTrace]") -> "StoreTrace":
        """The runs one behind the other."""
        steps = [run.steps for run in runs if len(run.steps)]
        return StoreTrace(
            StepTrace.joined(steps) if steps else runs[0].steps,
            np.concatenate([run.visits for run in runs]),
            np.concatenate([run.slept for run in runs]),
            latent=any(run.latent for run in runs),
        )
