"""What the runs on boards find: frozen records without a line of layout."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

DENSE = ("full", "full_zero_skip")


@dataclass(frozen=True)
class BoardRun:
    """One case of one network on one board.

    trains: modules that train, or "all"; trained_share: of the parameters, 0 to 1. mean, worst: instructions per
    training step; stepped: mean of those that were not skipped, None where all were; inference: of one inference of the
    same build. ram_bytes: all that a step touches but the stack, from
    the memory plan; flash_bytes: of the linked image; stack_bytes: high-water mark. hash_host, hash_board: of all
    weights after the same steps on the host engine and on the board.
    """

    network: str
    board: str
    trains: str
    trained_share: float
    case: str
    steps: int
    mean: float
    worst: int
    stepped: float | None
    skipped_share: float
    inference: float
    ram_bytes: int
    flash_bytes: int
    stack_bytes: int
    hash_host: str
    hash_board: str

    @property
    def place(self) -> tuple[str, str, str]:
        """What the cases that may be compared have in common."""
        return (self.network, self.board, self.trains)


@dataclass(frozen=True)
class Misfit:
    """A network that, all of it training, exceeds a board. needs: bytes of RAM, from the memory plan, without stack."""

    network: str
    board: str
    needs: int
    has: int


@dataclass(frozen=True)
class SlowStep:
    """Sparse steps that cost more than dense ones."""

    run: BoardRun
    dense: float

    def __str__(self) -> str:
        network, board, _ = self.run.place
        return f"{network} on {board}, {self.run.case}: {self.run.stepped:,.0f} instructions, dense {self.dense:,.0f}"


@dataclass(frozen=True)
class OnBoardsReport:
    """runs: in the order of placements and cases. boards: name → title; data: network → what it learned from."""

    runs: tuple[BoardRun, ...]
    misfits: tuple[Misfit, ...]
    boards: Mapping[str, str]
    data: Mapping[str, str]
    compiler: str
    versions: Mapping[str, str]

    def places(self) -> Iterator[tuple[BoardRun, ...]]:
        """The cases of each placement."""
        for place in dict.fromkeys(run.place for run in self.runs):
            yield tuple(run for run in self.runs if run.place == place)

    def different_weights(self) -> tuple[BoardRun, ...]:
        """Runs after which board and host do not agree."""
        return tuple(run for run in self.runs if run.hash_host != run.hash_board)

    def slow_steps(self) -> tuple[SlowStep, ...]:
        """Cases whose steps, where not skipped, cost more on average than those of each full training.

        A single step may: that nothing can be left out is known only after everything was looked at.
        """
        found = []
        for runs in self.places():
            dense = max((run.mean for run in runs if run.case in DENSE), default=math.inf)
            found += [SlowStep(run, dense) for run in runs if (run.stepped or 0.0) > dense]
        return tuple(found)
