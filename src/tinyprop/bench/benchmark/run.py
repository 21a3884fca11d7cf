"""The benchmark: real fine-tuning runs on the emulated Cortex-M4F, instructions counted.

Two stages of independent jobs, run in a few processes: pretraining in PyTorch (one job per network), then counting
(network × compiler × case). Every case of a network starts from the same weights and sees the same samples.
"""

import multiprocessing
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from itertools import product

import numpy as np
import torch

import tinyprop
from tinyprop.bench.benchmark.config import CASES, NETWORKS, BenchConfig
from tinyprop.bench.benchmark.data import bench_data
from tinyprop.bench.benchmark.peers import load_peers
from tinyprop.bench.benchmark.records import BenchReport, BenchRun, DataNote
from tinyprop.bench.digits import Scenario
from tinyprop.bench.parallel import in_parallel
from tinyprop.bench.pretraining import BATCH, pretrained, weights_of
from tinyprop.bench.progress import Advance
from tinyprop.data import Samples
from tinyprop.surface import Network, Trainer
from tinyprop.targets import Board, EmulatedEngine, load_board
from tinyprop.targets.cycles import load_timing
from tinyprop.targets.toolchain import installed_compilers

DISTRIBUTIONS = ("tinyprop", "torch", "numpy", "scikit-learn", "capstone", "unicorn", "ziglang")


@dataclass(frozen=True)
class Pretrained:
    """A captured network and what it will meet in the field. shipped: its weights by the seed of pretraining."""

    name: str
    network: Network
    shipped: tuple[Mapping[str, np.ndarray], ...]
    field: Samples
    test: Samples
    note: DataNote


def run_benchmark(advance: Advance, config: BenchConfig | None = None) -> BenchReport:
    """All runs of `config` (default: the whole benchmark). advance: told (stage, jobs done, jobs in all).

    gcc takes part where arm-none-eabi-gcc is installed. Raises UserError when zig is missing or MNIST is damaged.
    """
    config = config or BenchConfig()
    board = load_board(config.board)
    compilers = installed_compilers(board, config.toolchains)
    spawn = multiprocessing.get_context("spawn")  # forking a process in which torch has run may hang
    with ProcessPoolExecutor(config.processes, mp_context=spawn) as pool:
        ready = in_parallel(
            [pool.submit(pretrain, config, name) for name in config.networks],
            lambda done, total: advance("pretraining", done, total),
        )
        runs = in_parallel(
            [pool.submit(count, config, *job) for job in product(ready, compilers, config.cases)],
            lambda done, total: advance("counting", done, total),
        )
    return BenchReport(
        board=board.title,
        clock_hz=board.clock_hz,
        estimate=estimate_rests_on(board),
        runs=tuple(runs),
        data={one.name: one.note for one in ready},
        compilers=compilers,
        versions={name: version(name) for name in DISTRIBUTIONS},
        peers=load_peers(),
    )


def estimate_rests_on(board: Board) -> str:
    """What the estimated cycles of `board` were made from, "" where there are none."""
    if not board.timing:
        return ""
    timing = load_timing(board.timing)
    return f"{timing.document}; {'; '.join(timing.assumptions)}"


def pretrain(config: BenchConfig, name: str) -> Pretrained:
    """The network as shipped: trained on upright samples, once for each seed, captured."""
    network = NETWORKS[name]
    data = bench_data(network, config)
    epochs = pretrain_epochs(config, data)
    modules = [pretrained(network.make, data.pretrain, epochs=epochs, seed=seed) for seed in config.seeds]
    captured = tinyprop.capture(modules[0], torch.zeros(1, 1, network.side, network.side))
    return Pretrained(
        name,
        captured,
        tuple(weights_of(module) for module in modules),
        data.field,
        data.test,
        DataNote(data.name, data.summary),
    )


def pretrain_epochs(config: BenchConfig, data: Scenario) -> int:
    """Passes over the upright samples that make up the batches of `config`."""
    return -(-config.pretrain_batches * BATCH // len(data.pretrain))


def count(config: BenchConfig, ready: Pretrained, toolchain: str, case: str) -> BenchRun:
    """One fine-tuning run, one sample at a time, on the board."""
    wanted, rate = CASES[case], NETWORKS[ready.name].rate
    trainer = ready.network.train(wanted.method, skip_zero_inputs=wanted.skip_zero_inputs)
    before, after = accuracies(config, trainer, ready)
    with trainer.build(config.board, toolchain=toolchain) as engine:
        assert isinstance(engine, EmulatedEngine)
        inference = engine.infer_instructions(ready.field.x)
        trace = engine.fit(ready.field.x, ready.field.y, epochs=config.field_epochs, lr=rate)
        assert trace.instructions is not None
        skipped, trained = trace.instructions[trace.skipped], trace.instructions[~trace.skipped]
        return BenchRun(
            network=ready.name,
            toolchain=toolchain,
            case=case,
            steps=len(trace),
            mean=float(trace.instructions.mean()),
            worst=int(trace.instructions.max()),
            skipped_share=float(trace.skipped.mean()),
            skipped_step=float(skipped.mean()) if len(skipped) else None,
            trained_step=float(trained.mean()) if len(trained) else None,
            selection=selection_instructions(engine) / max(len(trained), 1),
            inference=float(inference.mean()),
            accuracy_before=float(np.mean(before)),
            accuracy_after=float(np.mean(after)),
            accuracy_after_sd=float(np.std(after, ddof=1)) if len(after) > 1 else 0.0,
            accuracies=tuple(after),
            ram_bytes=trainer.memory.training,
            flash_bytes=engine.flash_bytes,
            stack_bytes=engine.stack_bytes(),
            cycles=per_run(engine.training_cycles(), len(trace)),
            inference_cycles=per_run(engine.inference_cycles(), len(inference)),
        )


def selection_instructions(engine: EmulatedEngine) -> int:
    """Of all steps so far, those of the selection rules, whose functions bear their names, and of what they call."""
    counts = engine.instructions_by_caller()
    return sum(count for function, count in counts.items() if function.removeprefix("tp_").startswith("keep_"))


def per_run(total: int | None, runs: int) -> float | None:
    """The mean of an estimate, where there is one."""
    return None if total is None else total / runs


def accuracies(config: BenchConfig, trainer: Trainer, ready: Pretrained) -> tuple[list[float], list[float]]:
    """Percent right on the test part before and after learning, for every seed.

    One run of single-sample steps says little about accuracy; on the host engine, which trains the board's bits, many
    cost nothing.
    """
    before, after = [], []
    with trainer.build("host") as engine:
        for seed, weights in zip(config.seeds, ready.shipped, strict=True):
            engine.reset()
            engine.set_weights(weights)
            before.append(engine.accuracy(ready.test.x, ready.test.y))
            engine.fit(
                *(ready.field.x, ready.field.y),
                epochs=config.field_epochs,
                lr=NETWORKS[ready.name].rate,
                seed=seed,
                progress=False,
            )
            after.append(engine.accuracy(ready.test.x, ready.test.y))
    return before, after
