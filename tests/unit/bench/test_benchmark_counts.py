"""Counts that do not depend on the data stay below their ceilings, on networks with random weights and inputs."""

from functools import cache

import numpy as np
import pytest
import torch

import tinyprop
from tinyprop.bench.benchmark.ceilings import load_ceilings
from tinyprop.bench.benchmark.config import CASES, NETWORKS, BenchConfig
from tinyprop.bench.benchmark.peers import load_peers
from tinyprop.bench.benchmark.records import BenchRun, DataNote
from tinyprop.bench.benchmark.run import Pretrained, available_compilers, count
from tinyprop.bench.pretraining import weights_of
from tinyprop.data import Samples

CONFIG = BenchConfig(seeds=(0,), field_epochs=1)
ANY_DATA = [name for name, case in CASES.items() if case.any_data]


def unlearned(name: str, samples: int = 8) -> Pretrained:
    torch.manual_seed(0)
    side = NETWORKS[name].side
    random = np.random.default_rng(0)
    x = random.random((samples, 1, side, side), dtype=np.float32)
    data = Samples(x, random.integers(0, 10, samples))
    module = NETWORKS[name].make().eval()
    network = tinyprop.capture(module, torch.zeros(1, 1, side, side))
    return Pretrained(name, network, (weights_of(module),), data, data, DataNote("random", "random"))


@cache
def counted(network: str, toolchain: str, case: str) -> BenchRun:
    if available_compilers(CONFIG).get(toolchain) != load_ceilings().compilers[toolchain]:
        pytest.skip(f"the ceilings hold for {load_ceilings().compilers[toolchain]}")
    return count(CONFIG, unlearned(network), toolchain, case)


@pytest.mark.parametrize("case", ANY_DATA)
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("toolchain", CONFIG.toolchains)
def test_a_step_costs_at_most_its_ceiling(network, toolchain, case):
    run, name = counted(network, toolchain, case), f"{network}.{toolchain}.{case}"
    assert run.mean <= load_ceilings().at_most[name]
    assert run.cycles <= load_ceilings().at_most[f"{name}_cycles"]


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


@pytest.mark.parametrize("network", NETWORKS)
def test_full_training_is_never_allowed_more_than_kann(network):
    kann = load_peers().named("KANN").instructions[network]
    assert all(load_ceilings().at_most[f"{network}.{toolchain}.full"] <= kann for toolchain in CONFIG.toolchains)


def test_every_case_that_any_data_decides_is_measured_here():
    assert ANY_DATA == ["full"]
