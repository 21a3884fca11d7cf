"""What the runs on boards find: frozen records without a line of layout."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class BoardRun:
    """One case of one network on one board, as one compiler makes it.

    trains: modules that train, or "all"; trained_share: of the parameters, 0 to 1. mean, worst: instructions per
    training step; inference: the mean of inferences of the same samples by the same build. selection: share of the
    steps that are not skipped spent on finding the entries of δ to keep, 0 to 1, arithmetic in software included; None
    in older records of cores without an FPU. ram_bytes: all that a step touches but the stack, from the memory plan;
    flash_bytes: of the linked image; stack_bytes: high-water mark. hash_host, hash_board: of all weights after the
    same steps on the host engine and on the board.
    """

    network: str
    board: str
    trains: str
    toolchain: str
    trained_share: float
    case: str
    steps: int
    mean: float
    worst: int
    skipped_share: float
    inference: float
    selection: float | None
    ram_bytes: int
    flash_bytes: int
    stack_bytes: int
    hash_host: str
    hash_board: str

    @property
    def place(self) -> tuple[str, str, str, str]:
        """What the cases that may be compared have in common."""
        return (self.network, self.board, self.trains, self.toolchain)


@dataclass(frozen=True)
class Misfit:
    """A network that, all of it training, exceeds a board. needs: bytes of RAM, from the memory plan, without stack."""

    network: str
    board: str
    needs: int
    has: int


@dataclass(frozen=True)
class SlowStep:
    """A sparse step that cost more than the dense one."""

    run: BoardRun
    dense: int

    def __str__(self) -> str:
        network, board, _, toolchain = self.run.place
        return (
            f"{network} on {board}, {toolchain}, {self.run.case}: {self.run.worst:,} instructions, dense {self.dense:,}"
        )


@dataclass(frozen=True)
class OnBoardsReport:
    """runs: in the order of placements, compilers and cases. boards: name → title; compilers: names and versions.

    data: network → what it learned from.
    """

    runs: tuple[BoardRun, ...]
    misfits: tuple[Misfit, ...]
    boards: Mapping[str, str]
    data: Mapping[str, str]
    compilers: tuple[str, ...]
    versions: Mapping[str, str]

    def places(self) -> Iterator[tuple[BoardRun, ...]]:
        """The cases of each placement and compiler."""
        for place in dict.fromkeys(run.place for run in self.runs):
            yield tuple(run for run in self.runs if run.place == place)

    def different_weights(self) -> tuple[BoardRun, ...]:
        """Runs after which board and host do not agree."""
        return tuple(run for run in self.runs if run.hash_host != run.hash_board)

    def slow_steps(self, dense: str = "full") -> tuple[SlowStep, ...]:
        """Cases whose worst step costs more than the worst of `dense`, of all placements."""
        found = []
        for runs in self.places():
            bar = next((run.worst for run in runs if run.case == dense), None)
            if bar is not None:
                found += [SlowStep(run, bar) for run in runs if run.worst > bar]
        return tuple(found)
