"""StoreFlash and ShelfPlan: the flash that keeps a store's values, and how they lie in it; tp_flash_store_plan."""

from dataclasses import dataclass

from tinyprop.errors import UserError

HEAD_BYTES = 16  # of a shelf: TP_FLASH_STORE_HEAD_BYTES
RECORD_BYTES = 20  # of a sample, before its values: TP_FLASH_STORE_RECORD_BYTES
MOST_SHELVES = 65_534  # and places of a shelf: TP_FLASH_STORE_MOST
LARGEST_UNIT = 256  # bytes: TP_FLASH_LARGEST_UNIT


@dataclass(frozen=True)
class StoreFlash:
    """tp_flash_store_settings, and what of tp_flash they hang on.

    block_bytes: erased at once; unit_bytes: programmed at once, a power of two up to 256. shelves: of whole blocks, as
    many as ShelfPlan.fewest or more, where more of them are erased less often; None: as many as leave half of each
    free. erases: False for EEPROM and FRAM, which are overwritten as they are; block_bytes is unit_bytes then.
    identity: any number of 32 bits, a store that was written under another one is not found. Raises UserError.
    """

    block_bytes: int
    unit_bytes: int
    shelves: int | None = None
    erases: bool = True
    identity: int = 0

    def __post_init__(self) -> None:
        block, unit = self.block_bytes, self.unit_bytes
        if unit not in {2**n for n in range(9)} or block < unit or block % unit or not (self.erases or block == unit):
            raise UserError(
                f"a store's flash was given block_bytes={block!r} and unit_bytes={unit!r}: a unit is a power of two up "
                f"to {LARGEST_UNIT}, a block a multiple of it, or as large where nothing is erased."
            )
        if self.shelves is not None and not 2 <= self.shelves <= MOST_SHELVES:
            raise UserError(f"a store's flash was given shelves={self.shelves!r}: choose 2 to {MOST_SHELVES:,}.")
        if not 0 <= self.identity < 2**32:
            raise UserError(f"a store's flash was given identity={self.identity!r}: choose 0 to 2^32 - 1.")


@dataclass(frozen=True)
class ShelfPlan:
    """tp_shelf_plan. shelf, head, record: bytes. places: records a shelf has room for; group: slots that share one.

    fewest: shelves that would do, one of them spare.
    """

    shelf: int
    head: int
    record: int
    places: int
    group: int
    groups: int
    shelves: int
    fewest: int

    @property
    def bytes(self) -> int:
        """Of all shelves."""
        return self.shelves * self.shelf

    @property
    def replaced_per_erasure(self) -> int:
        """Samples that take another's place for each time that a shelf is erased."""
        return self.places - self.group + 1


def shelf_plan(capacity: int, value_bytes: int, flash: StoreFlash) -> ShelfPlan:
    """How `capacity` samples of `value_bytes` each lie in the flash. Raises UserError where the shelves are too few."""
    block, unit = flash.block_bytes, flash.unit_bytes
    head, record = _rounded_up(HEAD_BYTES, unit), _rounded_up(RECORD_BYTES + value_bytes, unit)
    shelf = _rounded_up(head + record, block)
    places = min((shelf - head) // record, MOST_SHELVES)
    fewest = -(-capacity // places) + 1
    shelves = -(-capacity // max(1, places // 2)) + 1 if flash.shelves is None else flash.shelves
    if shelves < fewest or shelves > MOST_SHELVES:
        raise UserError(
            f"{capacity:,} samples of {value_bytes:,} bytes were given {shelves:,} shelves: a shelf of {shelf:,} bytes "
            f"keeps {places:,}, choose {fewest:,} shelves or more, {MOST_SHELVES:,} at most."
        )
    group = -(-capacity // (shelves - 1))
    return ShelfPlan(shelf, head, record, places, group, -(-capacity // group), shelves, fewest)


def _rounded_up(count: int, unit: int) -> int:
    return -(-count // unit) * unit
