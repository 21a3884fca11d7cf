"""One run of a comparison, named by all that decides its outcome, and what came of it."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import msgspec

from tinyprop.store.settings import LONGEST_SLEEP, StoreSettings


@dataclass(frozen=True)
class Replay:
    """Learning from a store of samples on the device (`tinyprop.SampleStore`) in place of the stream alone.

    capacity: samples; bits: of a value, 8 or 32; longest_sleep: turns, 0: none sleeps. shipped: whether the device
    leaves the factory with samples of what its network was pretrained on, as many as the store balances. latent: what
    is kept of a sample is what the frozen prefix makes of it.
    """

    capacity: int
    bits: int = 8
    longest_sleep: int = LONGEST_SLEEP
    shipped: bool = True
    latent: bool = False

    def decisive(self) -> Mapping[str, int | bool]:
        """What decides a run's outcome; latents only where they are kept, so that older runs keep their keys."""
        return {name: value for name, value in asdict(self).items() if name != "latent" or value}

    def bytes(self, input_shape: tuple[int, ...], classes: int) -> int:
        """Of RAM. Raises UserError for settings that no store can have."""
        settings = StoreSettings(self.capacity, input_shape, classes, bits=self.bits, longest_sleep=self.longest_sleep)
        return settings.bytes


@dataclass(frozen=True)
class Variant:
    """A method with settings other than its defaults, what of the network it may train, and what from.

    trainable: a word of `tinyprop.CHOICES`, or None for everything. store: where samples come from; None: the stream.
    """

    method: str
    settings: Mapping[str, int | float] = field(default_factory=dict)
    trainable: str | None = None
    store: Replay | None = None


@dataclass(frozen=True)
class Cell:
    """variant: its name in the configuration, for people; what it stands for is in `trains`.

    seed: of pretraining and of the order of the field samples. field_epochs: passes over them, one sample at a time.
    checkpoints: how often the accuracy is measured on the way; from a store it is after each round.
    """

    scenario: str
    model: str
    variant: str
    trains: Variant
    rate: float
    seed: int
    pretrain_epochs: int
    field_epochs: int
    checkpoints: int

    @property
    def key(self) -> str:
        """SHA-256 over everything but the variant's name: equal keys mean equal runs."""
        # A variant that was read from a file lacks the field it says nothing of, one made in Python holds None there.
        trains = {name: value for name, value in msgspec.to_builtins(self.trains).items() if value is not None}
        if self.trains.store is not None:
            trains["store"] = self.trains.store.decisive()
        decisive = {**msgspec.to_builtins(self), "variant": None, "trains": trains}
        return hashlib.sha256(msgspec.json.encode(decisive, order="sorted")).hexdigest()

    @property
    def pretraining(self) -> tuple[str, str, int, int]:
        """What the cells that start from the same weights have in common."""
        return (self.scenario, self.model, self.pretrain_epochs, self.seed)


@dataclass(frozen=True)
class Checkpoint:
    """Where a run stood after `steps` training steps: accuracy in percent of the test part, multiply-adds so far.

    kept: of each layer's δ, the share k / n since the checkpoint before, a skipped step counting as 0; forward order.
    parts: what `macs` consists of: forward, backward, looks. Both are empty in rows that were stored before they were
    noted.
    """

    steps: int
    accuracy: float
    macs: int
    kept: tuple[float, ...] = ()
    parts: tuple[int, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """accuracy: percent of the test part, old: percent of the task learned before, None where there is no other.

    effort_bwd, effort_total: multiply-adds over those of plain full training. kept: mean entries of δ by layer, of
    steps not skipped. weight_hash: of the weights at the end. layers: their names, in the order of `kept`; empty in
    rows that were stored before they were noted. start_hash: SHA-256 of the file of weights that it started from, empty
    likewise.
    """

    accuracy_before: float
    accuracy_after: float
    old_before: float | None
    old_after: float | None
    effort_bwd: float
    effort_total: float
    ram_bytes: int | None = field(default=None, kw_only=True)  # of the plan; not in rows of before it was noted
    skipped_share: float
    kept: tuple[float, ...]
    curve: tuple[Checkpoint, ...]
    weight_hash: str
    layers: tuple[str, ...] = ()
    start_hash: str = ""

    def same_start(self, other: "Outcome") -> bool:
        """Whether both started from the same weights: the same scenario, network and seed alone do not say so.

        PyTorch adds up in another order on another processor. Where one of the hashes was not noted, how good the
        weights were says it.
        """
        if self.start_hash and other.start_hash:
            return self.start_hash == other.start_hash
        return (self.accuracy_before, self.old_before) == (other.accuracy_before, other.old_before)
