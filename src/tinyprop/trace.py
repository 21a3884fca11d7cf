"""StepTrace: what happened in a run of training steps; every engine, host or board, returns the same record."""

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
