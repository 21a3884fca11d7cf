"""Instructions of a step and of an inference, counted in the emulator that knows a board's core."""

import shutil

from tinyprop.bench.fitting.records import Counts
from tinyprop.codegen.golden import RATE, golden_samples
from tinyprop.surface import Trainer
from tinyprop.targets import DeviceEngine, EmulatedEngine, QemuEngine
from tinyprop.targets.board import Board
from tinyprop.targets.qemu_machine import QEMU
from tinyprop.targets.unicorn_core import CORES


def reason_not_counted(board: Board) -> str:
    """Why no emulator here runs `board`; "" where one does."""
    if board.cpu in CORES:
        return ""
    if not board.emulator.machine:
        return f"no emulator of a {board.cpu} that tinyprop knows"
    return "" if shutil.which(QEMU) else f"{QEMU}, the emulator of a {board.cpu}, is not installed"


def count(trainer: Trainer, board: Board) -> Counts:
    """Of the image that `trainer` makes, which must fit `board`; one exchange a step, since a step may take seconds."""
    samples, truths = golden_samples(trainer.train_program)
    with _engine(trainer, board) as engine:
        inference = engine.infer_instructions(samples)
        steps = []
        for number in range(len(samples)):
            trace = engine.fit(samples[number : number + 1], truths[number : number + 1], lr=RATE, progress=False)
            assert trace.instructions is not None
            steps.append(int(trace.instructions[0]))
        training_cycles = inference_cycles = None
        if isinstance(engine, EmulatedEngine):
            training_cycles, inference_cycles = engine.training_cycles(), engine.inference_cycles()
    return Counts(
        board=board.name,
        timing=board.timing,
        training=sum(steps) / len(steps),
        inference=float(inference.mean()),
        training_cycles=None if training_cycles is None else training_cycles / len(steps),
        inference_cycles=None if inference_cycles is None else inference_cycles / len(samples),
    )


def _engine(trainer: Trainer, board: Board) -> DeviceEngine:
    made = EmulatedEngine if board.cpu in CORES else QemuEngine
    engine = made(trainer.sources, trainer.train_program.program.input.shape, board)
    engine.train_program = trainer.train_program
    return engine
