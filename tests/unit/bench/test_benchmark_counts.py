"""Counts stay below their ceilings, on networks with random weights and inputs: the same on every machine."""

from functools import cache

import numpy as np
import pytest

from tinyprop.bench.benchmark.ceilings import load_ceilings, verdicts
from tinyprop.bench.benchmark.config import CASES, NETWORKS, BenchConfig
from tinyprop.bench.benchmark.peers import load_peers
from tinyprop.bench.benchmark.records import BenchReport, BenchRun
from tinyprop.bench.benchmark.unlearned import CASES_COUNTED, unlearned, unlearned_report
from tinyprop.targets import load_board
from tinyprop.targets.toolchain import installed_compilers

CONFIG = BenchConfig()
INSTALLED = installed_compilers(load_board(CONFIG.board), CONFIG.toolchains)
ANY_DATA = [name for name, case in CASES.items() if case.any_data]


@cache
def report(network: str, toolchain: str, case: str) -> BenchReport:
    if INSTALLED.get(toolchain) != load_ceilings().compilers[toolchain]:
        pytest.skip(f"the ceilings hold for {load_ceilings().compilers[toolchain]}")
    return unlearned_report((network,), (toolchain,), (case,))


def counted(network: str, toolchain: str, case: str) -> BenchRun:
    (run,) = report(network, toolchain, case).runs
    return run


@pytest.mark.parametrize("case", ANY_DATA)
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("toolchain", CONFIG.toolchains)
def test_a_step_costs_at_most_its_ceiling(network, toolchain, case):
    run, name = counted(network, toolchain, case), f"{network}.{toolchain}.{case}"
    assert run.mean <= load_ceilings().at_most[name]
    assert run.cycles <= load_ceilings().at_most[f"{name}_cycles"]


@pytest.mark.parametrize("case", CASES_COUNTED)
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("toolchain", CONFIG.toolchains)
def test_a_sparse_step_costs_at_most_its_ceiling(network, toolchain, case):
    measured = report(network, toolchain, case)
    assert measured.runs[0].skipped_share == 0
    found = {verdict.name: verdict for verdict in verdicts(measured, load_ceilings())}
    for name in (f"{network}.{toolchain}.random.{case}", f"{network}.{toolchain}.random.{case}_cycles"):
        assert found[name].ceiling is not None
        assert found[name].holds


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("toolchain", CONFIG.toolchains)
def test_inference_and_memory_cost_at_most_their_ceilings(network, toolchain):
    full, ceilings = counted(network, toolchain, "full"), load_ceilings().at_most
    assert full.inference <= ceilings[f"{network}.{toolchain}.inference"]
    assert full.inference_cycles <= ceilings[f"{network}.{toolchain}.inference_cycles"]
    assert full.ram_bytes <= ceilings[f"{network}.{toolchain}.ram_bytes"]


@pytest.mark.parametrize("network", NETWORKS)
def test_a_skipped_step_is_hardly_more_than_an_inference(network):
    skipped = counted(network, "zig", "skipped_all_inputs")
    assert skipped.skipped_share == 1.0
    assert skipped.mean - skipped.inference <= max(0.02 * skipped.inference, 700)  # both means over the same samples
    assert skipped.accuracy_after == skipped.accuracy_before


@pytest.mark.parametrize("toolchain", CONFIG.toolchains)
def test_a_step_in_which_nothing_is_zero_costs_at_most_three_percent_more(toolchain):
    """All units of MLP-S are active, so that what a sparse method looks for is hardly there."""
    if toolchain not in INSTALLED:
        pytest.skip(f"{toolchain} is not installed")
    ready = unlearned("MLP-S")
    weights = {name: np.full_like(w, 3) if name.endswith("bias") else w for name, w in ready.shipped[0].items()}
    network = ready.network.with_weights(weights)
    worst = {}
    for method in ("full", "full_zero_skip", "tinyprop_v2", "ours"):
        with network.train(method).build(CONFIG.board, toolchain=toolchain) as engine:
            worst[method] = int(engine.fit(ready.field.x, ready.field.y, lr=0.0).instructions.max())
    assert max(worst.values()) < 1.026 * worst["full"]


@pytest.mark.parametrize("network", NETWORKS)
def test_full_training_is_never_allowed_more_than_kann(network):
    kann = load_peers().named("KANN").instructions[network]
    assert all(load_ceilings().at_most[f"{network}.{toolchain}.full"] <= kann for toolchain in CONFIG.toolchains)


def test_every_case_that_any_data_decides_is_measured_here():
    assert ANY_DATA == ["full"]
