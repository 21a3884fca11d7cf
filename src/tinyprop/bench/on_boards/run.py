"""The networks of the field on emulated boards: a few real training steps of every case, instructions counted.

Two stages of independent jobs, run in a few processes: pretraining in PyTorch (one job per network), then counting
(placement × compiler × case). Every case of a network starts from the same weights and sees the same samples.
"""

import multiprocessing
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
import torch

import tinyprop
from tinyprop.bench.benchmark.run import selection_instructions
from tinyprop.bench.on_boards.config import CASES, NETWORKS, OnBoardsConfig, Placement
from tinyprop.bench.on_boards.data import board_data
from tinyprop.bench.on_boards.records import BoardRun, Misfit, OnBoardsReport
from tinyprop.bench.parallel import in_parallel
from tinyprop.bench.pretraining import BATCH, pretrained
from tinyprop.bench.progress import Advance
from tinyprop.bench.zero_inputs import zero_inputs_pay
from tinyprop.data import Samples
from tinyprop.surface import Network, Trainer
from tinyprop.targets import EmulatedEngine, Engine, load_board
from tinyprop.targets.toolchain import installed_compilers
from tinyprop.trace import StepTrace

DISTRIBUTIONS = ("tinyprop", "torch", "numpy", "unicorn", "ziglang")


@dataclass(frozen=True)
class Ready:
    """A captured network and what it will meet on the board."""

    name: str
    network: Network
    unseen: Samples
    data: str

    def trainer(self, place: Placement, case: str) -> Trainer:
        """The network as it learns at that place."""
        return self.network.train(
            CASES[case],
            loss=NETWORKS[place.network].loss,
            trainable=place.trainable,
            skip_zero_inputs=zero_inputs_pay(self.unseen.x),
        )


def run_on_boards(advance: Advance, config: OnBoardsConfig | None = None) -> OnBoardsReport:
    """All runs of `config` (default: everything). advance: told (stage, jobs done, jobs in all).

    Raises UserError when a network does not fit its board, zig is missing, or a file of data is damaged.
    """
    config = config or OnBoardsConfig()
    names = tuple(dict.fromkeys(place.network for place in config.placements))
    boards = {place.board: load_board(place.board) for place in config.placements}
    compilers = {name: installed_compilers(board, config.toolchains) for name, board in boards.items()}
    spawn = multiprocessing.get_context("spawn")  # forking a process in which torch has run may hang
    with ProcessPoolExecutor(config.processes, mp_context=spawn) as pool:
        prepared = in_parallel(
            [pool.submit(prepare, config, name) for name in names],
            lambda done, total: advance("pretraining", done, total),
        )
        ready = {one.name: one for one in prepared}
        jobs = [
            (ready[place.network], place, toolchain, case)
            for place in config.placements
            for toolchain in compilers[place.board]
            for case in config.cases
        ]
        runs = in_parallel(
            [pool.submit(count, *job) for job in jobs], lambda done, total: advance("counting", done, total)
        )
    return OnBoardsReport(
        runs=tuple(runs),
        misfits=misfits(config, ready),
        boards={name: board.title for name, board in boards.items()},
        data={one.name: one.data for one in prepared},
        compilers=tuple(dict.fromkeys(one for of_board in compilers.values() for one in of_board.values())),
        versions={name: version(name) for name in DISTRIBUTIONS},
    )


def prepare(config: OnBoardsConfig, name: str) -> Ready:
    """The network as shipped: trained a little in PyTorch, captured."""
    network = NETWORKS[name]
    steps = max(place.steps for place in config.placements if place.network == name)
    data = board_data(network, steps, config.seed)
    epochs = -(-network.pretrain_batches * BATCH // len(data.pretrain))
    module = pretrained(network.make, data.pretrain, epochs=epochs, seed=config.seed, loss=network.loss)
    captured = tinyprop.capture(module, torch.zeros(1, *network.input_shape), name=name)
    return Ready(name, captured, data.unseen, data.summary)


def count(ready: Ready, place: Placement, toolchain: str, case: str) -> BoardRun:
    """The steps of one case on the board, and the same on the host."""
    trainer = ready.trainer(place, case)
    samples = ready.unseen.of(np.arange(place.steps))
    with trainer.build("host") as host:
        learn(host, samples, NETWORKS[ready.name].rate)
        hash_host = host.weight_hash()
    with trainer.build(place.board, toolchain=toolchain) as engine:
        assert isinstance(engine, EmulatedEngine)
        inference = engine.infer_instructions(samples.x)
        trace = learn(engine, samples, NETWORKS[ready.name].rate)
        assert trace.instructions is not None
        return BoardRun(
            network=ready.name,
            board=place.board,
            trains=place.trains,
            toolchain=toolchain,
            trained_share=trained_share(trainer),
            case=case,
            steps=len(trace),
            mean=float(trace.instructions.mean()),
            worst=int(trace.instructions.max()),
            skipped_share=float(trace.skipped.mean()),
            inference=float(inference.mean()),
            selection=selection_share(engine, trace),
            ram_bytes=trainer.memory.training,
            flash_bytes=engine.flash_bytes,
            stack_bytes=engine.stack_bytes(),
            hash_host=hash_host,
            hash_board=engine.weight_hash(),
        )


def selection_share(engine: EmulatedEngine, trace: StepTrace) -> float:
    """Of the instructions of all steps that were not skipped; 0 when all were."""
    assert trace.instructions is not None
    return selection_instructions(engine) / max(int(trace.instructions[~trace.skipped].sum()), 1)


def learn(engine: Engine, samples: Samples, rate: float) -> StepTrace:
    """One step per sample, in order; one exchange each, since an emulated step may take seconds."""
    steps = [engine.fit(samples.x[i : i + 1], samples.y[i : i + 1], lr=rate) for i in range(len(samples))]
    return StepTrace.joined(steps)


def trained_share(trainer: Trainer) -> float:
    """Of all parameters, those that train."""
    sizes = {name: array.size for name, array in trainer.train_program.program.parameters.items()}
    return sum(sizes[name] for name in trainer.train_program.trainable) / sum(sizes.values())


def misfits(config: OnBoardsConfig, ready: Mapping[str, Ready]) -> tuple[Misfit, ...]:
    """Where not everything trains: what that would have taken."""
    found = []
    for place in config.placements:
        if place.trainable is not None:
            board = load_board(place.board)
            everything = Placement(place.network, place.board)
            needs = ready[place.network].trainer(everything, "full").memory.training
            found.append(Misfit(place.network, place.board, needs, board.ram.bytes - board.stack_bytes))
    return tuple(found)
