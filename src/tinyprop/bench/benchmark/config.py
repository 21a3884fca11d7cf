"""Everything the benchmark decides: networks, cases, and how much is trained."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import nn

from tinyprop.bench.networks import CnnS, MlpL, MlpS
from tinyprop.bench.reported_methods import REPORTED
from tinyprop.methods import Full, Method, Ours, TinyPropV2

SKIPS_ALL = Ours(tau=1e9)  # no loss is that large


@dataclass(frozen=True)
class BenchNetwork:
    """make: the PyTorch network on 1 × side × side images. rate: of learning, for every method alike.

    mnist: whether it runs on MNIST where that is at hand.
    """

    make: Callable[[], nn.Module]
    side: int
    rate: float
    mnist: bool


@dataclass(frozen=True)
class Case:
    """What is counted: a method, with or without leaving out the zero inputs of dense layers."""

    title: str
    method: Method
    skip_zero_inputs: bool = True

    @property
    def learns(self) -> bool:
        """Whether any step changes the weights."""
        return self.method != SKIPS_ALL

    @property
    def any_data(self) -> bool:
        """Whether a step costs nearly the same whatever the sample; a max may still branch on some compilers."""
        return self.method == Full()


# Rates: of full training, chosen on validation parts by `python -m tinyprop.bench.choose` (results/chosen.json).
NETWORKS: Mapping[str, BenchNetwork] = {
    "MLP-S": BenchNetwork(MlpS, side=8, rate=0.005, mnist=False),
    "MLP-L": BenchNetwork(MlpL, side=28, rate=0.002, mnist=True),
    "CNN-S": BenchNetwork(CnnS, side=16, rate=0.005, mnist=True),
}

CASES: Mapping[str, Case] = {
    **{name: Case(method.title, method()) for name, method in REPORTED.items()},
    "tinyprop_v2_all_inputs": Case("TinyPropv2, zero inputs computed too", TinyPropV2(), False),
    "ours_all_inputs": Case("ours, zero inputs computed too", Ours(), False),
    "skipped": Case("a skipped step", SKIPS_ALL),
    "skipped_all_inputs": Case("a skipped step, zero inputs computed too", SKIPS_ALL, False),
}


@dataclass(frozen=True)
class BenchConfig:
    """pretrain_batches: of 32 samples, in PyTorch; field_samples: learned one at a time, field_epochs times.

    seeds: of pretraining and of the order of samples, over which accuracies are averaged; instructions are counted with
    the network of the first.
    mnist_pretrain, mnist_validation, test_samples: how many digits of MNIST are used; scikit-learn's digits are used
    as they are split.
    """

    board: str = "nano33ble"
    networks: tuple[str, ...] = tuple(NETWORKS)
    toolchains: tuple[str, ...] = ("zig", "gcc")
    seeds: tuple[int, ...] = tuple(range(24))
    pretrain_batches: int = 750
    mnist_pretrain: int = 4000
    mnist_validation: int = 1000
    field_samples: int = 400
    field_epochs: int = 4
    test_samples: int = 2000
    processes: int = 2
    cases: tuple[str, ...] = field(default_factory=lambda: tuple(CASES))
