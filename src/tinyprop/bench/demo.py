"""The demo: a PyTorch model keeps learning on an emulated microcontroller, under five methods, in one table.

Two stages of independent jobs, run in a few processes: pretraining (network × scenario × seed, in PyTorch), then
learning in the field (network × scenario × method: every seed on the host engine, the first one live on the board).
"""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch

import tinyprop
from tinyprop.bench.demo_config import DemoConfig
from tinyprop.bench.digits import SCENARIOS
from tinyprop.bench.networks import DEMO_NETWORKS
from tinyprop.bench.parallel import in_parallel
from tinyprop.bench.pretraining import autograd_sgd, pretrained, weights_of
from tinyprop.bench.reported_methods import REPORTED
from tinyprop.bench.zero_inputs import zero_inputs_pay
from tinyprop.cost import plain_macs
from tinyprop.data import Samples
from tinyprop.ir.differentiate import layer_infos
from tinyprop.plan.picture import ascii_picture, svg_picture
from tinyprop.surface import Network, Trainer
from tinyprop.targets import EmulatedEngine, Engine
from tinyprop.trace import StepTrace

Weights = dict[str, np.ndarray]
Advance = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Pretrained:
    """A network, captured once, and its weights of every seed."""

    network: Network
    weights: tuple[Weights, ...]


@dataclass(frozen=True)
class HostRun:
    """One seed on the host engine; accuracies in percent on the test part."""

    before: float
    after: float
    effort_bwd: float
    effort_total: float
    skipped: float
    trace: StepTrace
    weight_hash: str


@dataclass(frozen=True)
class BoardRun:
    """The first seed on the emulated board. by_function: instructions of the whole run; ram_bytes: with one sample."""

    trace: StepTrace
    weight_hash: str
    by_function: dict[str, int]
    flash_bytes: int
    ram_bytes: int
    stack_bytes: int


@dataclass(frozen=True)
class MethodRun:
    """A method on a network in a scenario. autograd_difference: largest |Δw| from PyTorch, for full training only."""

    model: str
    scenario: str
    method: str
    host: tuple[HostRun, ...]
    board: BoardRun
    layers: tuple[str, ...]
    n: tuple[int, ...]
    macs_forward: int
    macs_backward: int
    memory_svg: str
    memory_ascii: str
    autograd_difference: float | None


def run_demo(config: DemoConfig, advance: Advance) -> tuple[MethodRun, ...]:
    """All runs of `config`, in the order network, scenario, method. advance: told (what, done, in all)."""
    cases = list(product(DEMO_NETWORKS, SCENARIOS))
    spawn = multiprocessing.get_context("spawn")  # forking a process in which torch has run may hang
    with ProcessPoolExecutor(config.processes, mp_context=spawn) as pool:
        seeds = [(model, scenario, seed) for (model, scenario), seed in product(cases, config.seeds)]
        weights = in_parallel(
            (pool.submit(_pretrain, config, *case) for case in seeds), lambda d, n: advance("pretraining", d, n)
        )
        ready = {
            case: _captured(case[0], tuple(w for key, w in zip(seeds, weights, strict=True) if key[:2] == case))
            for case in cases
        }
        runs = [(case, method) for case, method in product(cases, REPORTED)]
        return tuple(
            in_parallel(
                (pool.submit(_learn, config, *case, method, ready[case]) for case, method in runs),
                lambda d, n: advance("learning in the field", d, n),
            )
        )


def _pretrain(config: DemoConfig, model: str, scenario: str, seed: int) -> Weights:
    samples = SCENARIOS[scenario]().pretrain
    return weights_of(pretrained(DEMO_NETWORKS[model], samples, epochs=config.pretrain_epochs, seed=seed))


def _captured(model: str, weights: tuple[Weights, ...]) -> Pretrained:
    module = DEMO_NETWORKS[model]()
    module.load_state_dict({name: torch.from_numpy(array) for name, array in weights[0].items()})
    return Pretrained(tinyprop.capture(module.eval(), torch.zeros(1, 1, 8, 8), name=model), weights)


def _learn(config: DemoConfig, model: str, scenario: str, method: str, ready: Pretrained) -> MethodRun:
    data = SCENARIOS[scenario]()
    learned = data.field.of(np.arange(len(data.field))[: config.samples])
    trainer = ready.network.train(method, skip_zero_inputs=zero_inputs_pay(learned.x))
    settings = {"epochs": config.field_epochs, "lr": config.rates[model]}
    with trainer.build("host") as engine:
        host = tuple(
            _host_run(trainer, engine, weights, learned, data.test, seed=seed, **settings)
            for seed, weights in zip(config.seeds, ready.weights, strict=True)
        )
    program = trainer.train_program.program
    plain = plain_macs(program)
    return MethodRun(
        model=model,
        scenario=scenario,
        method=method,
        host=host,
        board=_board_run(trainer, config.board, learned, seed=config.seeds[0], **settings),
        layers=tuple(node.name for node in program.layers),
        n=tuple(info.n for info in layer_infos(program)),
        macs_forward=plain.forward,
        macs_backward=sum(plain.backward),
        memory_svg=svg_picture(trainer.plan),
        memory_ascii=ascii_picture(trainer.plan),
        autograd_difference=_autograd_difference(config, model, trainer, ready, learned) if method == "full" else None,
    )


def _host_run(
    trainer: Trainer, engine: Engine, weights: Weights, learned: Samples, test: Samples, **settings: Any
) -> HostRun:
    engine.reset()
    engine.set_weights(weights)
    before = engine.accuracy(test.x, test.y)
    trace = engine.fit(learned.x, learned.y, **settings)
    effort = trainer.effort(trace)
    after = engine.accuracy(test.x, test.y)
    skipped = float(trace.skipped.mean())
    return HostRun(before, after, effort.bwd, effort.total, skipped, trace, engine.weight_hash())


def _board_run(trainer: Trainer, board: str, learned: Samples, **settings: Any) -> BoardRun:
    """The firmware's own weights are those of the first seed: nothing is sent to the board but samples."""
    with trainer.build(board) as engine:
        assert isinstance(engine, EmulatedEngine)
        trace = engine.fit(learned.x, learned.y, **settings)
        return BoardRun(
            trace=trace,
            weight_hash=engine.weight_hash(),
            by_function=engine.instructions_by_function(),
            flash_bytes=engine.flash_bytes,
            ram_bytes=engine.ram_bytes + learned.x[0].nbytes,
            stack_bytes=engine.stack_bytes(),
        )


def _autograd_difference(
    config: DemoConfig, model: str, trainer: Trainer, ready: Pretrained, learned: Samples
) -> float:
    """Largest difference of any weight after one pass over the samples, engine beside PyTorch."""
    rate = config.rates[model]
    theirs = autograd_sgd(DEMO_NETWORKS[model], ready.weights[0], learned, lr=rate)
    with trainer.build("host") as engine:
        engine.fit(learned.x, learned.y, lr=rate)
        ours = engine.weights()
    return max(float(np.abs(ours[name] - theirs[name]).max()) for name in ours)
