"""What the benchmark finds: frozen records without a line of layout."""

from collections.abc import Mapping
from dataclasses import dataclass

from tinyprop.bench.benchmark.peers import Peers


@dataclass(frozen=True)
class BenchRun:
    """One case of one network, built by one compiler, over one fine-tuning run on the emulated board.

    mean, worst: instructions per training step. skipped_share: of the steps, 0 to 1; skipped_step, trained_step: mean
    instructions of those that were skipped and of those that were not, None when there were none. selection: of a step
    that was not skipped, what finding and counting the kept entries of δ took. inference: mean instructions of one
    inference of the same build.
    accuracy_*: percent of test samples before and after, mean and standard deviation over pretrainings and orders of
    the field samples, each of `accuracies` (after) by another seed, on the host engine, which trains the same bits.
    ram_bytes: all that a step touches but the stack, from the memory plan; flash_bytes: of the linked image;
    stack_bytes: high-water mark. cycles, inference_cycles: estimated, means like those of the instructions; None where
    the core has no timing table.
    """

    network: str
    toolchain: str
    case: str
    steps: int
    mean: float
    worst: int
    skipped_share: float
    skipped_step: float | None
    trained_step: float | None
    selection: float
    inference: float
    accuracy_before: float
    accuracy_after: float
    accuracy_after_sd: float
    accuracies: tuple[float, ...]
    ram_bytes: int
    flash_bytes: int
    stack_bytes: int
    cycles: float | None
    inference_cycles: float | None


@dataclass(frozen=True)
class DataNote:
    """Which data a network saw. source: "digits" or "mnist"."""

    source: str
    summary: str


@dataclass(frozen=True)
class BenchReport:
    """All runs in the order network, compiler, case. data: by network; compilers: toolchain → name and version.

    board: its title; clock_hz: its clock; estimate: what estimated cycles rest on, "" where there are none.
    """

    board: str
    clock_hz: int
    estimate: str
    runs: tuple[BenchRun, ...]
    data: Mapping[str, DataNote]
    compilers: Mapping[str, str]
    versions: Mapping[str, str]
    peers: Peers

    def run(self, network: str, toolchain: str, case: str) -> BenchRun:
        """The one that is asked for; KeyError when it was not run."""
        for run in self.runs:
            if (run.network, run.toolchain, run.case) == (network, toolchain, case):
                return run
        raise KeyError((network, toolchain, case))

    @property
    def networks(self) -> tuple[str, ...]:
        """In the order they were run."""
        return tuple(self.data)
