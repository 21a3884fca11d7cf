"""SampleStore: tp_buffer.c in NumPy, slow and plain; host and board keep and wake the same samples."""

from dataclasses import dataclass
from math import gcd
from typing import Any

import numpy as np

from tinyprop.errors import UserError
from tinyprop.store.draws import Draws
from tinyprop.store.eight_bits import codes_of, values_of
from tinyprop.store.flash import StoreFlash
from tinyprop.store.memory import InMemory
from tinyprop.store.settings import BYTES_OF_VALUE, LONGEST_SLEEP, StoreSettings
from tinyprop.store.shelves import Image, OnShelves

NOT_STORED = -1  # in an array of slots


@dataclass(frozen=True)
class Awake:
    """Samples of one round in the order of their turns: slots (n,) int64, x (n, *input_shape) float32, y (n,) int64.

    slept: how many had their turn asleep.
    """

    slots: np.ndarray
    x: np.ndarray
    y: np.ndarray
    slept: int

    def __len__(self) -> int:
        return len(self.slots)


class SampleStore:
    """A class-balanced reservoir of samples with labels, as `tp_buffer` keeps it on the device, decision by decision.

    Of a stream it keeps as many samples of each class as it can, and each sample of a class with the same probability
    (class-balancing reservoir sampling, Chrysakis and Moens, Online Continual Learning from Imbalanced Data, ICML 2020,
    algorithm 1). A sample whose step was skipped sleeps for the next 1, then 2, then 3 … visits, up to longest_sleep.

    capacity: samples. input_shape: of one sample, or how many values it has. bits: 32 keeps float32 as it is; 8 keeps
    the nearest of 256 steps from low to high, off by half a step at most in between. latent: it is offered what
    `engine.latents` makes of samples, input_shape is then `engine.latent_size`, and training from it starts behind the
    frozen prefix. flash: where values are to lie, as `tp_flash_store` puts them; None: in RAM. image: what is in that
    flash, of which the store takes up what it finds, as a device does when it starts; None: nothing. Raises UserError.
    """

    def __init__(
        self,
        capacity: int,
        input_shape: int | tuple[int, ...],
        classes: int,
        *,
        bits: int = 32,
        low: float = 0.0,
        high: float = 1.0,
        seed: int = 0,
        longest_sleep: int = LONGEST_SLEEP,
        latent: bool = False,
        flash: StoreFlash | None = None,
        image: Image | None = None,
    ) -> None:
        shape = tuple(input_shape) if isinstance(input_shape, (tuple, list)) else (input_shape,)
        self.settings = StoreSettings(capacity, shape, classes, bits, low, high, longest_sleep, seed, latent, flash)
        self.visits = 0
        self.slept = 0
        self._holds = np.zeros(capacity, np.bool_)
        self._y = np.zeros(capacity, np.int64)
        self._seen = np.zeros(classes, np.int64)
        self._were_largest: set[int] = set()
        self._turns_to_sleep = np.zeros(capacity, np.int64)
        self._last_sleep = np.zeros(capacity, np.int64)
        self._draws = Draws(int(seed))
        self._order = order_of_turns(int(capacity))
        self._turn = 0
        self._values = self._opened(image)

    def offer(self, x: Any, y: Any) -> int | None:
        """Offers one sample of input_shape and its class; returns the slot it went to, or None. Raises UserError."""
        [slot] = self.offer_all([x], [y])
        return None if slot == NOT_STORED else int(slot)

    def offer_all(self, x: Any, y: Any) -> np.ndarray:
        """Offers x (N, *input_shape) of classes y (N,), one by one; returns their slots (N,), -1 where not stored.

        Raises UserError before anything is stored.
        """
        samples, labels = self._checked(x, y)
        return np.array([self._offer(*pair) for pair in zip(samples, labels.tolist(), strict=True)], np.int64)

    def next_awake(self) -> tuple[int, np.ndarray, int] | None:
        """(slot, sample of input_shape, class) of the next sample that is awake; None once after each round.

        In a round every sample has its turn once; one that is asleep is passed by and sleeps a turn less. So is one in
        flash that does not read whole, without a turn less.
        """
        while self._turn < self.settings.capacity:
            slot = int(self._order[self._turn])
            self._turn += 1
            if not self._holds[slot]:
                continue
            if self._turns_to_sleep[slot] > 0:
                self._turns_to_sleep[slot] -= 1
                self.slept += 1
                continue
            x = self._sample(slot)
            if x is None:
                continue
            self.visits += 1
            return slot, x, int(self._y[slot])
        self._turn = 0
        return None

    def awake_round(self) -> Awake:
        """All that are awake in this round, or in what is left of it.

        They may be told about together: what is said of one changes the turns of no other.
        """
        slept_before = self.slept
        taken = list(iter(self.next_awake, None))
        return Awake(
            slots=np.array([slot for slot, _, _ in taken], np.int64),
            x=np.array([x for _, x, _ in taken], np.float32).reshape(-1, *self.settings.input_shape),
            y=np.array([y for _, _, y in taken], np.int64),
            slept=self.slept - slept_before,
        )

    def told(self, slots: Any, skipped: Any) -> None:
        """What came of the steps on the samples in `slots` (n,), or in one slot: skipped (n,), True or False.

        After a skipped step the sample sleeps, a turn longer each time; after any other it is awake, and the count
        starts anew. Raises UserError.
        """
        places, skips = np.atleast_1d(np.asarray(slots)), np.atleast_1d(np.asarray(skipped))
        if places.shape != skips.shape or places.ndim != 1:
            raise UserError(f"{places.shape} slots came with {skips.shape} answers: pass one answer per slot.")
        if places.size and (places.dtype.kind not in "iu" or not np.isin(places, np.flatnonzero(self._holds)).all()):
            raise UserError(f"slots are {places.tolist()}, the store holds {self._slots_held()}.")
        for slot, skip in zip(places, skips, strict=True):
            longer = min(self._last_sleep[slot] + 1, self.settings.longest_sleep)
            self._last_sleep[slot] = self._turns_to_sleep[slot] = longer if skip else 0

    def contents(self) -> tuple[np.ndarray, np.ndarray]:
        """Everything stored that is whole, by slot, as the device reads it: x (n, *input_shape) float32, y (n,)
        int64."""
        held = [(self._sample(slot), self._y[slot]) for slot in np.flatnonzero(self._holds).tolist()]
        whole = [(x, y) for x, y in held if x is not None]
        values = np.array([x for x, _ in whole], np.float32)
        return values.reshape(len(whole), *self.settings.input_shape), np.array([y for _, y in whole], np.int64)

    @property
    def bytes(self) -> int:
        """Of RAM on the device: TP_BUFFER_BYTES, or TP_FLASH_STORE_BYTES."""
        return self.settings.bytes

    @property
    def image(self) -> Image:
        """What is in the flash, all shelves; nothing where values are in RAM."""
        return Image(self._values.image) if isinstance(self._values, OnShelves) else b""

    @property
    def erased(self) -> int:
        """Shelves erased since the store was made."""
        return self._values.erased if isinstance(self._values, OnShelves) else 0

    @property
    def stored(self) -> np.ndarray:
        """Samples stored of each class, (classes,)."""
        return np.bincount(self._y[self._holds], minlength=self.settings.classes)

    @property
    def seen(self) -> np.ndarray:
        """Samples offered of each class, (classes,)."""
        return self._seen.copy()

    @property
    def asleep(self) -> int:
        """Samples that sleep now."""
        return int(np.count_nonzero(self._turns_to_sleep))

    def __len__(self) -> int:
        return int(np.count_nonzero(self._holds))

    def __str__(self) -> str:
        return (
            f"{self.settings}; holds {len(self):,} of {self._seen.sum():,} offered, {self.asleep:,} asleep; "
            f"{self.visits:,} visits, {self.slept:,} slept"
        )

    def _offer(self, x: np.ndarray, label: int) -> int:
        self._seen[label] += 1
        slot = self._slot_for(label)
        if slot == NOT_STORED:
            return slot
        stored = x if self.settings.bits == 32 else codes_of(x, *self._ends())
        self._values.put(slot, label, int(self._seen[label]), self._draws.state, stored.tobytes())
        self._take(slot, label)
        return slot

    def _take(self, slot: int, label: int) -> None:
        """A sample of class `label`, awake, is in that slot now."""
        self._holds[slot] = True
        self._y[slot] = label
        self._turns_to_sleep[slot] = self._last_sleep[slot] = 0

    def _opened(self, image: Image | None) -> InMemory | OnShelves:
        """Where values lie; what is found there is taken up, with counts and draws as they were when it was stored."""
        s = self.settings
        if s.flash is None or s.shelves is None:
            if image is not None:
                raise UserError("image was given without flash: pass the StoreFlash that it is of.")
            return InMemory(s.capacity, s.value_bytes)
        ends = [0, 0] if s.bits == 32 else np.array(self._ends()).view(np.uint32).tolist()
        what = (s.capacity, s.features, s.classes, BYTES_OF_VALUE[s.bits], *ends)
        found = OnShelves(s.flash, s.shelves, what, s.value_bytes, image)
        for record in found.recall():
            self._seen[record.label] = max(self._seen[record.label], record.seen)
            self._draws.go_on_from(record.drawn)
            self._take(record.slot, record.label)
        self._were_largest = set(np.flatnonzero(self.stored < self._seen).tolist())  # the only ones that lose samples
        return found

    def _slot_for(self, label: int) -> int:
        """Algorithm 1 of the paper. Its u ≤ m/n and its choice of an instance are one draw below n here."""
        if not self._holds.all():
            return int(np.argmin(self._holds))
        stored = self.stored
        is_largest = stored == stored.max()
        self._were_largest |= set(np.flatnonzero(is_largest).tolist())
        if label not in self._were_largest:
            candidates = np.flatnonzero(is_largest[self._y])
            return int(candidates[self._draws.below(len(candidates))])
        own = np.flatnonzero(self._y == label)
        rank = self._draws.below(int(self._seen[label]))
        return int(own[rank]) if rank < len(own) else NOT_STORED

    def _sample(self, slot: int) -> np.ndarray | None:
        """input_shape; None where it is not whole."""
        stored = self._values.get(slot)
        if stored is None:
            return None
        if self.settings.bits == 32:
            return np.frombuffer(stored, np.float32).reshape(self.settings.input_shape).copy()
        return values_of(np.frombuffer(stored, np.uint8), *self._ends()).reshape(self.settings.input_shape)

    def _ends(self) -> tuple[np.float32, np.float32]:
        return np.float32(self.settings.low), np.float32(self.settings.high)

    def _slots_held(self) -> str:
        held = np.flatnonzero(self._holds)
        return f"slots 0 to {held.size - 1}" if (held == np.arange(held.size)).all() else f"slots {held.tolist()}"

    def _checked(self, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """x as (N, features) float32, finite, and y as (N,) int64. Raises UserError."""
        try:
            with np.errstate(over="ignore"):
                samples = np.asarray(x, np.float32)
            labels = np.asarray(y)
        except (TypeError, ValueError) as error:
            raise UserError(f"samples or labels do not form an array ({error}): pass numbers of one shape.") from error
        shape, classes = self.settings.input_shape, self.settings.classes
        if samples.shape[1:] != shape or samples.ndim == 0:
            expected = ", ".join(["N", *map(str, shape)])
            raise UserError(f"samples have shape {samples.shape}, this store takes ({expected}).")
        if labels.shape != samples.shape[:1]:
            raise UserError(
                f"{len(samples)} samples came with labels of shape {labels.shape}: pass one label per sample."
            )
        if labels.size and (labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= classes):
            raise UserError(f"labels are not classes of this store: pass whole numbers from 0 to {classes - 1}.")
        bad = np.flatnonzero(~np.isfinite(samples.reshape(len(samples), self.settings.features)).all(axis=1))
        if bad.size:
            raise UserError(f"sample {bad[0]} holds NaN or infinity as float32: remove or repair it.")
        return samples.reshape(len(samples), self.settings.features), labels.astype(np.int64)


def order_of_turns(capacity: int) -> np.ndarray:
    """Slots (capacity,) in the order of a round: from each to the next by near 0.618 of the capacity (golden section).

    Whatever the number of turns, the slots that had theirs lie evenly among the others; a stride without a divisor in
    common with the capacity comes by every slot.
    """
    stride = capacity // 65536 * 40503 + capacity % 65536 * 40503 // 65536
    while gcd(capacity, stride) != 1:
        stride += 1
    return np.arange(capacity, dtype=np.int64) * stride % capacity
