"""What a variant's multiply-adds cost in instructions, and in cycles."""

from dataclasses import dataclass

from tinyprop.bench.compare.cell import Cell, Checkpoint


@dataclass(frozen=True)
class Count:
    """cell: the one whose steps were counted, of the first seed; board: where.

    per_forward: instructions of an inference per multiply-add of it. per_backward: what a step that is not skipped
    takes beyond its inference (loss, decision, selection, backward pass), per multiply-add and look of its backward
    pass; 0 where there was none. steps: how many were counted. code: hash of tinyprop's, which counted them. core: the
    timing table of the board's core, with which cycles are estimated alike: cycles_per_forward, cycles_per_backward;
    "" and None where it has none, and in counts of before they were noted.
    """

    cell: Cell
    board: str
    per_forward: float
    per_backward: float
    steps: int
    code: str
    core: str = ""
    cycles_per_forward: float | None = None
    cycles_per_backward: float | None = None

    def instructions(self, at: Checkpoint) -> float | None:
        """Of a run up to that point, estimated; None where its multiply-adds were not noted by their parts."""
        return _spent(at, self.per_forward, self.per_backward)

    def cycles(self, at: Checkpoint) -> float | None:
        """The same in cycles; None where those were not estimated either."""
        return _spent(at, self.cycles_per_forward, self.cycles_per_backward)


def _spent(at: Checkpoint, per_forward: float | None, per_backward: float | None) -> float | None:
    if not at.parts or per_forward is None or per_backward is None:
        return None
    forward, backward, looks = at.parts
    return forward * per_forward + (backward + looks) * per_backward
