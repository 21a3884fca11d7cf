"""Networks with random weights on random samples: counts that any machine repeats exactly, in seconds.

What a real run costs depends on weights that another CPU pretrains slightly differently. These few steps do not, so
tests hold every change to their ceilings, sparse methods included: nothing is learned yet, so no step is skipped.
"""

import numpy as np
import torch

import tinyprop
from tinyprop.bench.benchmark.ceilings import UNLEARNED
from tinyprop.bench.benchmark.config import NETWORKS, BenchConfig
from tinyprop.bench.benchmark.peers import load_peers
from tinyprop.bench.benchmark.records import BenchReport, DataNote
from tinyprop.bench.benchmark.run import Pretrained, count
from tinyprop.bench.pretraining import weights_of
from tinyprop.data import Samples
from tinyprop.targets import load_board
from tinyprop.targets.toolchain import installed_compilers

CASES_COUNTED = ("tinyprop_v1", "tinyprop_v2", "ours")
NOTE = DataNote(UNLEARNED, "random weights, random samples")


def unlearned(name: str, samples: int = 8) -> Pretrained:
    """The network of NETWORKS with weights as PyTorch draws them, and `samples` of noise, learned once."""
    torch.manual_seed(0)
    side = NETWORKS[name].side
    random = np.random.default_rng(0)
    x = random.random((samples, 1, side, side), dtype=np.float32)
    data = Samples(x, random.integers(0, 10, samples))
    module = NETWORKS[name].make().eval()
    network = tinyprop.capture(module, torch.zeros(1, 1, side, side))
    return Pretrained(name, network, (weights_of(module),), data, data, NOTE)


def unlearned_report(
    networks: tuple[str, ...], toolchains: tuple[str, ...], cases: tuple[str, ...] = CASES_COUNTED
) -> BenchReport:
    """One pass over the samples for each network, compiler that is installed, and case."""
    config = BenchConfig(networks=networks, toolchains=toolchains, seeds=(0,), field_epochs=1)
    board = load_board(config.board)
    compilers = installed_compilers(board, toolchains)
    ready = [unlearned(name) for name in networks]
    return BenchReport(
        board=board.title,
        clock_hz=board.clock_hz,
        estimate="",
        runs=tuple(count(config, one, toolchain, case) for one in ready for toolchain in compilers for case in cases),
        data=dict.fromkeys(networks, NOTE),
        compilers=compilers,
        versions={},
        peers=load_peers(),
    )
