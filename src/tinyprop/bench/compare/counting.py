"""What a variant's multiply-adds cost in instructions and cycles: a few steps of one cell on an emulated board."""

from pathlib import Path

import numpy as np

from tinyprop.bench.compare.cell import Cell
from tinyprop.bench.compare.count import Count
from tinyprop.bench.compare.experiment import task_of, trainer_of
from tinyprop.bench.compare.provenance import code_hash
from tinyprop.errors import UserError
from tinyprop.targets import EmulatedEngine, Engine, load_board
from tinyprop.trace import StepTrace

STEPS = 4  # counted; a step of a large network takes seconds
LOOKED_AT = 200  # samples among which they are looked for


def count(cell: Cell, shipped: Path, board: str) -> Count:
    """STEPS steps from the weights that `cell` is shipped with, on the first samples that its own run learns from.

    Raises UserError where the network does not fit the board, and where the board's emulator counts nothing.
    """
    field = task_of(cell).field
    trainer, network = trainer_of(cell, shipped, field)
    order = np.random.default_rng(cell.seed).permutation(len(field))[:LOOKED_AT]
    with trainer.build("host") as host:
        host.set_weights(network.program.parameters)
        skipped = host.fit(field.x[order], field.y[order], lr=cell.rate, progress=False).skipped
        learned = np.concatenate([order[~skipped], order[skipped]])[:STEPS]
        x, y = field.x[learned], field.y[learned]
        host.reset()
        host.set_weights(network.program.parameters)
        on_host = _one_by_one(host, x, y, cell.rate)
    with trainer.build(board) as engine:
        if not isinstance(engine, EmulatedEngine):
            raise UserError(f"instructions cannot be counted on '{board}': name a board of `tinyprop boards`.")
        engine.set_weights(network.program.parameters)
        inference = int(engine.infer_instructions(x).sum())
        on_board = _one_by_one(engine, x, y, cell.rate)
        cycles = engine.inference_cycles(), engine.training_cycles()
    assert on_host.macs_forward is not None
    assert on_host.macs_backward is not None
    assert on_host.looks is not None
    assert on_board.instructions is not None
    forward, backward = int(on_host.macs_forward.sum()), int((on_host.macs_backward + on_host.looks).sum())
    per_forward, per_backward = _shared_out(inference, int(on_board.instructions.sum()), forward, backward)
    inferring, training = cycles
    estimated = None if inferring is None or training is None else _shared_out(inferring, training, forward, backward)
    return Count(
        cell=cell,
        board=board,
        per_forward=per_forward,
        per_backward=per_backward,
        steps=len(learned),
        code=code_hash(),
        core=load_board(board).timing,
        cycles_per_forward=estimated and estimated[0],
        cycles_per_backward=estimated and estimated[1],
    )


def _shared_out(inference: int, training: int, forward: int, backward: int) -> tuple[float, float]:
    """Per multiply-add forward, and per multiply-add and look backward, of which there may be none."""
    return inference / forward, (training - inference) / backward if backward else 0.0


def _one_by_one(engine: Engine, x: np.ndarray, y: np.ndarray, rate: float) -> StepTrace:
    """One exchange each, since an emulated step may take seconds."""
    return StepTrace.joined([engine.fit(x[i : i + 1], y[i : i + 1], lr=rate, progress=False) for i in range(len(x))])
