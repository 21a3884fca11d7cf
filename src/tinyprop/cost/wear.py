"""Flash that checkpoints and stores of samples take, and how long it lasts: from what the maker promises of a block."""

from dataclasses import dataclass
from math import log

from tinyprop.checkpoint.format import HEADER
from tinyprop.errors import UserError
from tinyprop.store import StoreFlash, StoreSettings
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


@dataclass(frozen=True)
class StoreWear:
    """What `offered` samples do to the flash of a store, about. replaced: samples that take another's place; erased:
    shelves; of_a_block: times that each block is erased; promised: times that its maker promises."""

    offered: int
    shelves: int
    bytes: int
    replaced: float
    erased: float
    of_a_block: float
    promised: int


def store_flash(board: Board) -> StoreFlash:
    """The board's flash, with as many shelves as leave half of each free. Raises UserError where no source is known."""
    if board.flash.write is None:
        raise UserError(f"no source says how flash is written on {board.name}: choose another board for --store-flash.")
    return StoreFlash(board.flash.write.block_bytes, board.flash.write.unit_bytes)


def store_wear(settings: StoreSettings, board: Board, offered: int) -> StoreWear:
    """Of a store in the flash of `board`, without restarts: each costs one erasure more per shelf at most.

    A reservoir of m of n samples of a class keeps the next one with probability m / n, so that capacity · ln(offered /
    capacity) are replaced where classes come equally often, and fewer where they do not, but for those that make room
    for a seldom class. A shelf is erased when the places that its group does not need are used up.
    """
    if offered < 1:
        raise UserError(f"offered={offered}: pass how many samples the store is offered, 1 or more.")
    shelves = settings.shelves
    if shelves is None or board.flash.write is None:
        raise UserError("the store keeps its values in RAM, which does not wear: give it a flash.")
    filled = min(1.0, offered / settings.capacity)
    replaced = settings.capacity * log(max(1.0, offered / settings.capacity))
    erased = filled * shelves.groups + replaced / shelves.replaced_per_erasure
    return StoreWear(
        offered, shelves.shelves, shelves.bytes, replaced, erased, erased / shelves.shelves, board.flash.write.cycles
    )
