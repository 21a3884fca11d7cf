"""How learning rates and the methods' settings were chosen: on validation parts, with seeds and samples of no result.

TINYPROP_DATA=... python -m tinyprop.bench.choose --json results/chosen.json

First the rate: for each network that of full training with the best accuracy, on average over its data sets. Then the
settings, one set for all networks: of those of a grid that lose at most LOSS points against full training on average
and WORST anywhere, the cheapest; should all lose more, the one that loses least.
"""

import argparse
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from rich.console import Console
from torch import nn

import tinyprop
from tinyprop.bench.atomic_file import write_whole
from tinyprop.bench.benchmark.config import NETWORKS, BenchConfig
from tinyprop.bench.benchmark.data import digits_data, find_mnist, mnist_data
from tinyprop.bench.benchmark.run import pretrain_epochs
from tinyprop.bench.demo_config import DemoConfig
from tinyprop.bench.digits import SCENARIOS, Scenario
from tinyprop.bench.networks import DEMO_NETWORKS
from tinyprop.bench.parallel import in_parallel
from tinyprop.bench.pretraining import pretrained, weights_of
from tinyprop.bench.progress import Advance, stage_progress
from tinyprop.methods import FullZeroSkip, Method, Ours, TinyPropV2
from tinyprop.surface import Network

RATES = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
SEEDS = tuple(range(100, 124))  # of pretraining; not those of demo and benchmark
ORDERS = (0, 1, 2)  # of the field samples
LOSS, WORST = 0.5, 1.0  # points
PROCESSES = 2

# Method → its candidates.
GRIDS: Mapping[str, tuple[Method, ...]] = {
    "ours": tuple(
        Ours(drop, carry, tau)
        for drop, carry, tau in product((0.7, 0.8, 0.9, 1.0), (0.75, 1.0, 1.25, 1.5), (0.1, 0.15, 0.2, 0.3))
    ),
    "tinyprop_v2": tuple(
        TinyPropV2(s_min, s_max, zeta, skip)
        for (s_min, s_max), zeta, skip in product(
            ((0.1, 0.3), (0.1, 0.5), (0.2, 0.4), (0.2, 0.5)), (0.9, 1.0), (0.02, 0.05, 0.1)
        )
    ),
}


@dataclass(frozen=True)
class Case:
    """A network and what it is to learn. pretrain_epochs: in PyTorch; field_epochs: one sample at a time."""

    network: str
    make: Callable[[], nn.Module]
    data: Scenario
    pretrain_epochs: int
    field_epochs: int


@dataclass(frozen=True)
class Outcome:
    """Means over SEEDS and ORDERS. accuracy: percent of the validation part. macs_backward: per step."""

    accuracy: float
    skipped_share: float
    macs_backward: float


def cases() -> Iterator[Case]:
    """All of demo and benchmark; a benchmark network that takes MNIST has a case with it and one with digits."""
    demo, bench, mnist = DemoConfig(), BenchConfig(), find_mnist()
    for (model, make), scenario in product(DEMO_NETWORKS.items(), SCENARIOS.values()):
        yield Case(f"demo {model}", make, scenario(), demo.pretrain_epochs, demo.field_epochs)
    for name, network in NETWORKS.items():
        sources = [digits_data(network, bench)]
        if network.mnist and mnist is not None:
            sources.append(mnist_data(mnist, network, bench))
        for data in sources:
            yield Case(name, network.make, data, pretrain_epochs(bench, data), bench.field_epochs)


@dataclass(frozen=True)
class Ready:
    """A case's network, captured, and the weights it is shipped with, one set for each of SEEDS."""

    case: Case
    network: Network
    shipped: tuple[Mapping[str, np.ndarray], ...]


def prepare(case: Case) -> Ready:
    """Pretrains in PyTorch and captures."""
    modules = [pretrained(case.make, case.data.pretrain, epochs=case.pretrain_epochs, seed=seed) for seed in SEEDS]
    captured = tinyprop.capture(modules[0], torch.from_numpy(case.data.field.x[:1]), name="candidate")
    return Ready(case, captured, tuple(weights_of(module) for module in modules))


def outcomes(ready: Ready, method: Method, rates: Sequence[float]) -> list[Outcome]:
    """What comes of training with `method` at each rate."""
    with ready.network.train(method).build("host") as engine:
        return [_outcome(engine, ready, rate) for rate in rates]


def _outcome(engine: tinyprop.Engine, ready: Ready, rate: float) -> Outcome:
    rows, learned, unseen = [], ready.case.data.field, ready.case.data.validation
    for weights, order in product(ready.shipped, ORDERS):
        engine.reset()
        engine.set_weights(weights)
        trace = engine.fit(learned.x, learned.y, epochs=ready.case.field_epochs, lr=rate, seed=order, progress=False)
        assert trace.macs_backward is not None
        rows.append((engine.accuracy(unseen.x, unseen.y), trace.skipped.mean(), trace.macs_backward.mean()))
    return Outcome(*np.mean(rows, axis=0).tolist())


def best_rate(accuracies: np.ndarray) -> float:
    """Of RATES. accuracies: (cases, rates), percent."""
    return RATES[int(np.argmax(accuracies.mean(axis=0)))]


def best_settings(lost: np.ndarray, cost: np.ndarray) -> int:
    """The number of the candidate chosen from points lost and cost, both (candidates, cases)."""
    allowed = (lost.mean(axis=1) <= LOSS) & (lost.max(axis=1) <= WORST)
    return int(np.argmin(np.where(allowed, cost.mean(axis=1), np.inf) if allowed.any() else lost.mean(axis=1)))


def measure(advance: Advance) -> dict[str, Any]:
    """All outcomes and what was chosen from them, as it is written to the file."""
    work = list(cases())
    titles = [f"{case.network}, {case.data.name}" for case in work]
    spawn = multiprocessing.get_context("spawn")  # forking a process in which torch has run may hang
    with ProcessPoolExecutor(PROCESSES, mp_context=spawn) as pool:
        ready = in_parallel([pool.submit(prepare, case) for case in work], partial(advance, "pretraining"))
        full = in_parallel(
            [pool.submit(outcomes, one, FullZeroSkip(), RATES) for one in ready], partial(advance, "rates")
        )
        rates = _rates(work, full)
        at = [rates[case.network] for case in work]
        jobs = [
            (method, one, rate)
            for grid in GRIDS.values()
            for method in grid
            for one, rate in zip(ready, at, strict=True)
        ]
        found = in_parallel(
            [pool.submit(outcomes, one, method, (rate,)) for method, one, rate in jobs], partial(advance, "settings")
        )
    base = [row[RATES.index(rate)] for row, rate in zip(full, at, strict=True)]
    rows = iter([[outcome for (outcome,) in found[i : i + len(work)]] for i in range(0, len(found), len(work))])
    return {
        "rates": rates,
        "full_zero_skip": {title: dict(zip(RATES, row, strict=True)) for title, row in zip(titles, full, strict=True)},
        "settings": {name: _chosen(grid, [next(rows) for _ in grid], base, titles) for name, grid in GRIDS.items()},
        "rule": {"points_lost_mean": LOSS, "points_lost_worst": WORST},
        "seeds": SEEDS,
        "orders": ORDERS,
        "versions": {name: version(name) for name in ("tinyprop", "torch", "numpy", "scikit-learn")},
    }


def _rates(work: Sequence[Case], full: Sequence[Sequence[Outcome]]) -> dict[str, float]:
    """Network → its rate."""
    by_network: dict[str, list[list[float]]] = {}
    for case, row in zip(work, full, strict=True):
        by_network.setdefault(case.network, []).append([outcome.accuracy for outcome in row])
    return {network: best_rate(np.array(rows)) for network, rows in by_network.items()}


def _chosen(
    grid: Sequence[Method], table: Sequence[Sequence[Outcome]], base: Sequence[Outcome], titles: Sequence[str]
) -> dict[str, Any]:
    """Of one method: the candidate chosen, and all of them. table: (candidates, cases); base: full training's."""
    lost = np.array([[full.accuracy - one.accuracy for one, full in zip(row, base, strict=True)] for row in table])
    cost = np.array(
        [[one.macs_backward / full.macs_backward for one, full in zip(row, base, strict=True)] for row in table]
    )
    candidates = [
        {
            "settings": method,
            "points_lost": points,
            "effort_bwd": effort,
            "outcomes": dict(zip(titles, row, strict=True)),
        }
        for method, row, points, effort in zip(
            grid, table, lost.mean(axis=1).tolist(), cost.mean(axis=1).tolist(), strict=True
        )
    ]
    return {"chosen": grid[best_settings(lost, cost)], "candidates": candidates}


def main() -> None:
    """Prints what was chosen and writes all that was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, default=Path("results/chosen.json"))
    path = parser.parse_args().json
    console = Console()
    with stage_progress(console) as advance:
        content = measure(advance)
    write_whole(path, msgspec.json.format(msgspec.json.encode(content)))
    settings = [str(one["chosen"]) for one in content["settings"].values()]
    console.print(f"rates: {content['rates']}; settings: {'; '.join(settings)}; all in {path}")


if __name__ == "__main__":
    main()
