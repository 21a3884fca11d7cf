"""What `tinyprop fit` asks and finds: frozen records without a line of layout."""

from dataclasses import dataclass

from tinyprop.methods import Method
from tinyprop.methods.optimizer import SGD
from tinyprop.store import StoreSettings
from tinyprop.surface import Network, Trainer
from tinyprop.targets.board import Board
from tinyprop.targets.fit import Fit


@dataclass(frozen=True)
class Setup:
    """How a network is to learn, as `Network.train` takes it."""

    method: Method
    loss: str = "cross_entropy"
    momentum: float = 0.0
    kernels: str = "inline"
    trainable: tuple[str, ...] | None = None
    latent: bool = False

    def trainer(self, network: Network) -> Trainer:
        """Raises UserError as `Network.train` does."""
        trainable = None if self.trainable is None else list(self.trainable)
        optimizer = SGD(momentum=self.momentum)
        return network.train(
            *(self.method, self.loss, optimizer), kernels=self.kernels, trainable=trainable, latent=self.latent
        )


def stored(store: StoreSettings, trainer: Trainer) -> StoreSettings:
    """The store as `trainer` fills it: of latents where it makes them."""
    return store.of_latents(trainer.memory.latent // 4) if trainer.latent else store


@dataclass(frozen=True)
class Counts:
    """Means over the golden samples, counted in an emulator of `board`, whose timing table the cycles are estimated by.

    training, inference: instructions per step; cycles: None where the core has no such table.
    """

    board: str
    timing: str
    training: float
    inference: float
    training_cycles: float | None
    inference_cycles: float | None


@dataclass(frozen=True)
class Change:
    """A change that was tried: what to pass in place of what was asked, and what the image then needs."""

    what: str
    fit: Fit


@dataclass(frozen=True)
class BoardFit:
    """One board. counts: of its core, maybe on another board with the same core and compiler flags; None: `uncounted`
    says why. changes: that make it fit, or the one that comes nearest. larger: shipped boards that hold as much."""

    fit: Fit
    counts: Counts | None
    uncounted: str
    changes: tuple[Change, ...]
    larger: tuple[str, ...]

    @property
    def board(self) -> Board:
        """Which."""
        return self.fit.board

    @property
    def training_cycles(self) -> float | None:
        """Estimated cycles of a step; None where there is no table for this board."""
        return self.counts.training_cycles if self.counts and self._same_timing else None

    @property
    def inference_cycles(self) -> float | None:
        """The same of an inference."""
        return self.counts.inference_cycles if self.counts and self._same_timing else None

    def seconds(self, cycles: float | None) -> float | None:
        """At the board's clock; an estimate, as the cycles are."""
        return None if cycles is None else cycles / self.board.clock_hz

    def millijoules(self, cycles: float | None) -> float | None:
        """At the clock, current and voltage of the board's sourced record; None where it has none."""
        return None if cycles is None or self.board.power is None else self.board.power.millijoules(cycles)

    @property
    def _same_timing(self) -> bool:
        return self.counts is not None and self.counts.timing == self.board.timing
