"""What the host benchmark finds: frozen records without a line of layout."""

from collections.abc import Mapping
from dataclasses import dataclass

from tinyprop.bench.timed import Timed

OURS, CALLED, EAGER, FOREACH, EXECUTORCH = "tinyprop", "step by step", "PyTorch", "foreach", "ExecuTorch"


@dataclass(frozen=True)
class HostRun(Timed):
    """One trainer on one network.

    microseconds: per training step, one figure per round; steps: in each round. planned_bytes: RAM of a step by the
    trainer's memory plan, weights and sample included, None without a plan. off: the largest difference of any loss or
    weight to PyTorch's after one pass over the samples.
    """

    network: str
    trainer: str
    steps: int
    microseconds: tuple[float, ...]
    planned_bytes: int | None
    off: float


@dataclass(frozen=True)
class HostReport:
    """runs: network by network. missing: why a trainer is absent, "" when none is. aims: network → times PyTorch."""

    runs: tuple[HostRun, ...]
    missing: str
    aims: Mapping[str, int | None]
    rate: float
    cpu: str
    compiler: str
    versions: Mapping[str, str]

    @property
    def networks(self) -> tuple[str, ...]:
        """In their order."""
        return tuple(dict.fromkeys(run.network for run in self.runs))

    def run(self, network: str, trainer: str) -> HostRun | None:
        """None where that trainer is absent."""
        return next((run for run in self.runs if (run.network, run.trainer) == (network, trainer)), None)

    def fastest(self, network: str, trainers: tuple[str, ...]) -> HostRun | None:
        """Of those present."""
        present = [run for trainer in trainers if (run := self.run(network, trainer)) is not None]
        return min(present, key=lambda run: run.median, default=None)

    def over_pytorch(self, network: str, trainer: str) -> float | None:
        """How many steps of that trainer fit into one of PyTorch, the faster of its two ways."""
        return _times(self.fastest(network, (EAGER, FOREACH)), self.run(network, trainer))

    def over_executorch(self, network: str, trainer: str) -> float | None:
        """How many steps of that trainer fit into one of ExecuTorch."""
        return _times(self.run(network, EXECUTORCH), self.run(network, trainer))

    def ram_over_executorch(self, network: str) -> float | None:
        """ExecuTorch's planned bytes over ours."""
        ours, theirs = self.run(network, OURS), self.run(network, EXECUTORCH)
        if ours is None or theirs is None or ours.planned_bytes is None or theirs.planned_bytes is None:
            return None
        return theirs.planned_bytes / ours.planned_bytes


def _times(other: HostRun | None, own: HostRun | None) -> float | None:
    return None if other is None or own is None else other.median / own.median
