"""StoreSettings: what is fixed about a store of samples, and how many bytes it takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite, prod
from typing import Any

import numpy as np

from tinyprop.errors import UserError
from tinyprop.store.flash import ShelfPlan, StoreFlash, shelf_plan

BYTES_OF_VALUE = {32: 4, 8: 1}  # by bits: TP_BUFFER_FLOAT, TP_BUFFER_8_BIT
STATE_BYTES = 28  # sizeof(tp_buffer_state)
MOST_CLASSES = 65_536
LONGEST_SLEEP = 15  # TP_BUFFER_LONGEST_SLEEP: two counts of four bits share a byte
MOST_BYTES = 2**31 - 1


@dataclass(frozen=True)
class StoreSettings:
    """tp_buffer_settings.

    capacity: samples. input_shape: of one sample. classes: labels run from 0 to classes - 1. bits: 32, float32 as it
    is, or 8, the nearest of 256 steps from low to high. longest_sleep: visits, 0 (none) … 15. seed: of the draws, 32
    bits. latent: whether what is kept of a sample is what a frozen prefix made of it; tp_buffer_settings has not that,
    to it values are values. flash: where values lie, None: in RAM. Raises UserError for what a device could not hold.
    """

    capacity: int
    input_shape: tuple[int, ...]
    classes: int
    bits: int = 32
    low: float = 0.0
    high: float = 1.0
    longest_sleep: int = LONGEST_SLEEP
    seed: int = 0
    latent: bool = False
    flash: StoreFlash | None = None

    def __post_init__(self) -> None:
        if not _is_whole(self.capacity, 1):
            raise UserError(
                f"a store was given capacity={self.capacity!r}: choose a whole number of samples, 1 or more."
            )
        if not self.input_shape or not all(_is_whole(length, 1) for length in self.input_shape):
            raise UserError(f"a store was given input_shape={self.input_shape!r}: pass the shape of one sample.")
        if not _is_whole(self.classes, 1, MOST_CLASSES):
            raise UserError(
                f"a store was given classes={self.classes!r}: choose a whole number from 1 to {MOST_CLASSES:,}."
            )
        if not _is_whole(self.bits, 1) or self.bits not in BYTES_OF_VALUE:
            raise UserError(f"a store was given bits={self.bits!r}: choose 32 (float32) or 8.")
        if not _is_whole(self.longest_sleep, 0, LONGEST_SLEEP):
            raise UserError(
                f"a store was given longest_sleep={self.longest_sleep!r}: choose a whole number of visits, "
                f"0 (none) to {LONGEST_SLEEP}."
            )
        if not _is_whole(self.seed, 0, 2**32 - 1):
            raise UserError(f"a store was given seed={self.seed!r}: choose a whole number from 0 to 2^32 - 1.")
        if self.bits == 8 and not _is_range(self.low, self.high):
            raise UserError(
                f"a store of 8-bit values was given low={self.low!r} and high={self.high!r}: pass the least and the "
                f"largest value to be told apart, finite, low below high."
            )
        most = max(self.bytes, self.flash_bytes)
        if most > MOST_BYTES:
            raise UserError(f"a store of {self.capacity:,} samples takes {most:,} bytes: choose fewer, 2 GiB at most.")

    def of_latents(self, values: int) -> StoreSettings:
        """The same store, of as many latents of so many values."""
        return replace(self, input_shape=(values,), latent=True)

    @property
    def features(self) -> int:
        """Values of one sample."""
        return prod(self.input_shape)

    @property
    def value_bytes(self) -> int:
        """Of one sample's values."""
        return self.features * BYTES_OF_VALUE[self.bits]

    @property
    def sample_bytes(self) -> int:
        """Of all samples' values."""
        return self.capacity * self.value_bytes

    @property
    def shelves(self) -> ShelfPlan | None:
        """How values lie in flash; None: they are in RAM."""
        return None if self.flash is None else shelf_plan(self.capacity, self.value_bytes, self.flash)

    @property
    def flash_bytes(self) -> int:
        """Of flash: all shelves."""
        return 0 if self.shelves is None else self.shelves.bytes

    @property
    def label_bytes(self) -> int:
        """Of all labels."""
        return self.capacity * (2 if self.classes > 256 else 1)

    @property
    def bytes(self) -> int:
        """Of RAM: state, two counts a class, a label and a sleep per sample, and the values, TP_BUFFER_BYTES; or in
        their place two bytes per sample and four per shelf but one, TP_FLASH_STORE_BYTES. Multiples of four."""
        counted = STATE_BYTES + 8 * self.classes + self.label_bytes + self.capacity
        if self.shelves is None:
            return _fours(counted + self.sample_bytes)
        return _fours(counted) + _fours(2 * self.capacity + 4 * (self.shelves.shelves - 1))

    def __str__(self) -> str:
        form = "float32" if self.bits == 32 else f"8 bits from {self.low:g} to {self.high:g}"
        kept = "latents" if self.latent else "samples"
        head = f"store of {self.capacity:,} {kept} of {self.features:,} values ({form}), {self.classes:,} classes: "
        shelves = self.shelves
        if shelves is None:
            rest = self.bytes - self.sample_bytes
            return head + (
                f"{self.bytes:,} bytes of RAM, {kept} {self.sample_bytes:,}, labels, sleep and counts {rest:,}"
            )
        return head + (
            f"{self.bytes:,} bytes of RAM for labels, sleep, counts and places; {self.flash_bytes:,} bytes of flash, "
            f"{shelves.shelves:,} shelves of {shelves.shelf:,} for {shelves.group:,} {kept} each, room for "
            f"{shelves.places:,}"
        )


def _fours(count: int) -> int:
    return -(-count // 4) * 4


def _is_whole(value: Any, least: int, most: int | None = None) -> bool:
    is_integer = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    return is_integer and value >= least and (most is None or value <= most)


def _is_range(low: Any, high: Any) -> bool:
    """Whether 256 steps of float32 lie between the two."""
    numbers = (int, float, np.integer, np.floating)
    if not all(isinstance(end, numbers) and not isinstance(end, bool) and isfinite(end) for end in (low, high)):
        return False
    with np.errstate(over="ignore", divide="ignore", under="ignore"):
        ends = np.float32(low), np.float32(high)
        width = ends[1] - ends[0]
        return bool(
            np.isfinite(ends).all() and width > 0 and np.isfinite(width) and np.isfinite(np.float32(255) / width)
        )
