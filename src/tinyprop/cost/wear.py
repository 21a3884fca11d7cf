"""Flash that checkpoints take, and how long it lasts: from what the maker promises of a block."""

from dataclasses import dataclass

from tinyprop.checkpoint.format import HEADER
from tinyprop.errors import UserError
from tinyprop.targets.board import Board

DAYS_A_YEAR = 365.25


@dataclass(frozen=True)
class SlotPlan:
    """Checkpoints of one network on one board. checkpoint: bytes of one; slot, region: bytes of whole blocks that one
    and all of them take; years: until the block that wears most has been erased as often as its maker promises."""

    board: str
    block: int
    unit: int
    checkpoint: int
    slot: int
    region: int
    years: float


def slot_plan(
    board: Board, state_words: int, *, slots: int = 2, saves_per_day: float = 24.0, extra_bytes: int = 0
) -> SlotPlan | None:
    """None where the board's record does not say how its flash is written. Raises UserError for counts that cannot be.

    Every save erases each block of its slot at most once, and the first of them always; slots take turns.
    """
    if slots < 2:
        raise UserError(f"slots={slots}: checkpoints take turns in 2 slots or more.")
    if not saves_per_day > 0:
        raise UserError(f"saves_per_day={saves_per_day:g}: pass how often a day the device saves, above 0.")
    if board.flash.write is None:
        return None
    block = board.flash.write.block_bytes
    checkpoint = HEADER.size + 4 * state_words + extra_bytes
    slot = -(-checkpoint // block) * block
    years = board.flash.write.cycles * slots / (saves_per_day * DAYS_A_YEAR)
    return SlotPlan(board.name, block, board.flash.write.unit_bytes, checkpoint, slot, slots * slot, years)
