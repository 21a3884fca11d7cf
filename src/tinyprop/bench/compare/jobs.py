"""What a worker is asked to do, here or on another machine: weights travel, data are found where the worker is."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Lock

from tinyprop.bench.compare.cell import Cell, Outcome
from tinyprop.bench.compare.count import Count
from tinyprop.bench.compare.counting import count
from tinyprop.bench.compare.experiment import pretrain, run
from tinyprop.bench.compare.provenance import provenance
from tinyprop.bench.compare.store import Row
from tinyprop.bench.compare.task import Task
from tinyprop.errors import InternalError, UserError
from tinyprop.targets import TrainingStopped

ONE_AT_A_TIME = Lock()  # PyTorch's random numbers are one per process, a worker may have threads


def shipped(cell: Cell) -> bytes:
    """The file of the weights that `cell` starts from."""
    with ONE_AT_A_TIME:
        return pretrain(cell).read_bytes()


def on_test(cell: Cell, weights: bytes) -> Row:
    """What comes of `cell`, and what it was made with. Raises UserError where training breaks off."""
    hashes = list[str]()

    def as_it_is(task: Task) -> Task:
        hashes.append(task.content_hash)
        return task

    with ONE_AT_A_TIME:
        try:
            outcome = _run(cell, weights, as_it_is)
        except TrainingStopped as stopped:
            raise UserError(f"{named(cell)}: {stopped}") from None
    return Row(cell, outcome, {**provenance(), "data": hashes[0]})


def on_validation(cell: Cell, weights: bytes) -> Outcome | str:
    """The same, judged by the validation part; no test sample is looked at. A sentence where training breaks off, or
    the network cannot have such settings."""
    with ONE_AT_A_TIME:
        try:
            return _run(cell, weights, _without_test)
        except (TrainingStopped, UserError) as stopped:
            return str(stopped)


def on_board(cell: Cell, weights: bytes, board: str) -> Count | str:
    """What the steps of `cell` cost there. A sentence where they cannot be counted."""
    with ONE_AT_A_TIME, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shipped.npz"
        path.write_bytes(weights)
        try:
            return count(cell, path, board)
        except (UserError, InternalError) as error:
            return str(error)


def named(cell: Cell) -> str:
    """For sentences."""
    return f"{cell.scenario} · {cell.model} · {cell.variant} · seed {cell.seed}"


def _run(cell: Cell, weights: bytes, judged: Callable[[Task], Task]) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shipped.npz"
        path.write_bytes(weights)
        return run(cell, path, judged)


def _without_test(task: Task) -> Task:
    return replace(task, test=task.validation, old=task.validation)
