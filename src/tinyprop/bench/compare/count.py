"""What a variant's multiply-adds cost in instructions."""

from dataclasses import dataclass

from tinyprop.bench.compare.cell import Cell, Checkpoint


@dataclass(frozen=True)
class Count:
    """cell: the one whose steps were counted, of the first seed; board: where.

    per_forward: instructions of an inference per multiply-add of it. per_backward: what a step that is not skipped
    takes beyond its inference (loss, decision, selection, backward pass), per multiply-add and look of its backward
    pass; 0 where there was none. steps: how many were counted. code: hash of tinyprop's, which counted them.
    """

    cell: Cell
    board: str
    per_forward: float
    per_backward: float
    steps: int
    code: str

    def instructions(self, at: Checkpoint) -> float | None:
        """Of a run up to that point, estimated; None where its multiply-adds were not noted by their parts."""
        if not at.parts:
            return None
        forward, backward, looks = at.parts
        return forward * self.per_forward + (backward + looks) * self.per_backward
