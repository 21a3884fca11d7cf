"""What one cell runs: pretraining in PyTorch, once for all that share it, then learning in the host engine."""

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import nn

import tinyprop
from tinyprop.bench.atomic_file import write_whole
from tinyprop.bench.compare.cell import Cell, Outcome, Replay
from tinyprop.bench.compare.judging import JUDGES, Judge
from tinyprop.bench.compare.learning import learned
from tinyprop.bench.compare.scenarios import SCENARIOS
from tinyprop.bench.compare.task import Task
from tinyprop.bench.compare.weights_file import read_weights, weights_file
from tinyprop.bench.pretraining import BATCH, pretrained, weights_of
from tinyprop.bench.recipes.shipped import shipped
from tinyprop.bench.recipes.table import RECIPES
from tinyprop.bench.zero_inputs import zero_inputs_pay
from tinyprop.cache import cache_folder
from tinyprop.data import Samples
from tinyprop.ir.differentiate import layer_infos
from tinyprop.ir.prefix import require_frozen_prefix
from tinyprop.methods import method_named
from tinyprop.surface import Network, Trainer


def task_of(cell: Cell) -> Task:
    """What happens to the device."""
    return _made(SCENARIOS[cell.scenario].make, cell.seed)


@lru_cache(maxsize=1)
def _made(make: Callable[[int], Task], seed: int) -> Task:
    """The variants of a seed follow one another, and shifting images takes longer than learning from them."""
    return make(seed)


def pretrain(cell: Cell) -> Path:
    """The file of the weights that `cell` starts from; made when it is missing, by what went into it."""
    card = SCENARIOS[cell.scenario]
    make, samples = card.networks[cell.model], task_of(cell).pretrain
    if card.recipe is not None:
        return shipped(RECIPES[card.recipe], make, samples, epochs=cell.pretrain_epochs, seed=cell.seed)
    content = hashlib.sha256(samples.x.tobytes() + samples.y.tobytes())
    torch.manual_seed(cell.seed)
    fresh = make()  # or trained before, by whoever wrote the scenario
    content.update(f"{fresh!r} {cell.pretrain_epochs} {cell.seed} {BATCH} {torch.__version__}".encode())
    content.update(weights_file(weights_of(fresh)))
    path = cache_folder() / "pretrained" / f"{content.hexdigest()}.npz"
    if not path.exists():
        module = pretrained(make, samples, epochs=cell.pretrain_epochs, seed=cell.seed, loss=card.loss)
        write_whole(path, weights_file(weights_of(module)))
    return path


def run(cell: Cell, shipped: Path, judged: Callable[[Task], Task] = lambda task: task) -> Outcome:
    """One cell from start to end. shipped: the file that `pretrain` gave. judged: may put other parts in place of test
    and old."""
    card = SCENARIOS[cell.scenario]
    task = judged(task_of(cell))
    judge = JUDGES[card.loss]
    trainer, network = trainer_of(cell, shipped, task.field)
    with trainer.build("host") as engine:
        engine.set_weights(network.program.parameters)
        before, old_before = _standing(engine, task, judge)
        program = trainer.train_program.program
        n = np.array([info.n for info in layer_infos(program)])
        done = learned(engine, cell, task, judge, n)
        after, old_after = _standing(engine, task, judge)
        effort, trace = trainer.effort(done.run), done.run.steps
        trained = trace.kept[~trace.skipped]
        store = cell.trains.store
        return Outcome(
            accuracy_before=before,
            accuracy_after=after,
            old_before=old_before,
            old_after=old_after,
            ram_bytes=trainer.memory.training + (_store_bytes(trainer, store) if store else 0),
            effort_bwd=effort.bwd,
            effort_total=effort.total,
            skipped_share=done.idle,
            kept=tuple(trained.mean(axis=0).tolist()) if len(trained) else (0.0,) * trace.kept.shape[1],
            curve=done.curve,
            weight_hash=engine.weight_hash(),
            layers=tuple(node.name for node in program.layers),
            start_hash=hashlib.sha256(shipped.read_bytes()).hexdigest(),
        )


def trainer_of(cell: Cell, shipped: Path, field: Samples) -> tuple[Trainer, Network]:
    """What is to be compiled for `cell`, and the network with the weights of the file `shipped`, to start from."""
    card, shape = SCENARIOS[cell.scenario], field.x.shape[1:]
    network = _network(card.networks[cell.model], shape, shipped)
    method, inputs_pay = method_named(cell.trains.method, **cell.trains.settings), zero_inputs_pay(field.x)

    def trainer(of: Network) -> Trainer:
        store = cell.trains.store
        latent = store is not None and store.latent
        trainable = cell.trains.trainable
        return of.train(method, card.loss, trainable=trainable, skip_zero_inputs=inputs_pay, latent=latent)

    made = trainer(network)
    if made.memory.frozen == 0:  # frozen weights would be part of what is compiled
        made = trainer(_network(card.networks[cell.model], shape))  # one compilation for all seeds
    return made, network


def _store_bytes(trainer: Trainer, store: Replay) -> int:
    """Of the store, and of a latent on its way into it."""
    program = trainer.train_program.program
    if not store.latent:
        return store.bytes(program.input.shape, program.output.size)
    latent = require_frozen_prefix(trainer.train_program).latent
    return store.bytes((latent.size,), program.output.size) + 4 * latent.size


@lru_cache(maxsize=2)
def _network(make: Callable[[], nn.Module], shape: tuple[int, ...], shipped: Path | None = None) -> Network:
    """Captured with the weights in the file `shipped`, without one with weights that no seed changes."""
    torch.manual_seed(0)
    module = make()
    if shipped is not None:
        module.load_state_dict({name: torch.from_numpy(array) for name, array in read_weights(shipped).items()})
    return tinyprop.capture(module.eval(), torch.zeros(1, *shape), name="compared")


def _standing(engine: tinyprop.Engine, task: Task, judge: Judge) -> tuple[float, float | None]:
    """On the test part, and on the task learned before, where there was one."""
    return judge(engine, task.test), judge(engine, task.old) if len(task.old) else None
