"""The two kinds of rule. A rule is a frozen record of its settings; what it remembers is an explicit small state."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

NOTHING_YET = np.float32(0)
NOTHING_DRAWN = np.uint32(0)


@dataclass(frozen=True)
class LayerState:
    """What one layer remembers between steps; the twin of `tp_layer_state` in C, where the two share their bytes.

    y_max: largest Y = Σ|δ| seen so far, or largest loss where the rule goes by that; it never decays. drawn: the last
    random number. bar: in root mean squares of δ, as it was steered to; 0 before it was.
    residual: what was left of each stored entry of δ, or responses, float32 as bytes; none at all: zeros. In C it is an
    array beside.
    """

    y_max: np.float32 = NOTHING_YET
    drawn: np.uint32 = NOTHING_DRAWN
    bar: np.float32 = NOTHING_YET
    residual: bytes = b""


@dataclass(frozen=True)
class Selected:
    """The answer for one layer and step, arrays shaped as the stored δ.

    delta: what is back-propagated, exact zeros where an entry is not kept; kept: mask; looks: elements looked at to
    find it.
    """

    delta: np.ndarray
    kept: np.ndarray
    looks: int

    @classmethod
    def of(cls, delta: np.ndarray, kept: np.ndarray, looks: int) -> "Selected":
        """δ as it is where `kept`."""
        return cls(np.where(kept, delta, np.zeros_like(delta)), kept, looks)

    @property
    def stop(self) -> bool:
        """Nothing is kept: neither this layer nor any below it is trained in this step."""
        return not self.kept.any()


PAYING_SHARE = 3 / 8  # exact in binary


def selection_pays(kept: int, size: int) -> bool:
    """Whether it is worth zeroing all but `kept` of `size` entries of δ, as `tp_selection_pays` says.

    With more of them the engine's kernels save less than selecting costs: a rule then keeps all, so that no step gets
    slower than a dense one.
    """
    return kept <= most_that_pays(size)


def most_that_pays(size: int) -> int:
    """Of `size` entries."""
    return int(PAYING_SHARE * size)


class SelectionRule(ABC):
    """Decides which entries of a layer's δ are worth computing. `c_function` is its twin in the engine, "": none."""

    c_function: ClassVar[str] = ""
    memory: ClassVar[str] = ""  # the field of LayerState that it remembers; "": none
    breaks_ties: ClassVar[bool] = False  # asks for `order`: which of two equal entries comes first
    reads_loss: ClassVar[bool] = False  # takes the sample's loss, as keyword `loss`
    updates_only: ClassVar[bool] = False  # the error sent below is formed from all of δ, whatever is kept

    def scratch_bytes(self, channels: int) -> int:
        """Working memory that its twin needs for a layer of `channels`, whose contents nobody keeps."""
        return 0

    def residuals(self, stored: int, n: int) -> int:
        """Floats that its twin remembers between steps, for a layer of `n` outputs and `stored` entries of δ."""
        return 0

    @abstractmethod
    def select(self, state: LayerState, delta: np.ndarray, n: int, order: np.ndarray) -> tuple[LayerState, Selected]:
        """delta: stored δ, float32, (channels, …) as the layer's output; n: un-pooled outputs; order: un-pooled index
        of each entry, flat (ties)."""


class SkippingRule(ABC):
    """Decides, before any backward work, if a sample's step is worth taking. `c_function` is its twin, "": none."""

    c_function: ClassVar[str] = ""
    memory: ClassVar[str] = ""  # the field of LayerState that it remembers; "": none

    @abstractmethod
    def skip(self, state: LayerState, loss: np.float32, y: np.float32) -> tuple[LayerState, bool]:
        """state: of the output error (its own Y_max); loss: of this sample; y: Y_L, the sum of |δ_L|."""
