"""Keep what a draw says: the selection that looks at no error."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.methods.rules.number_check import require_count, require_fraction
from tinyprop.methods.rules.rule import LayerState, Selected, SelectionRule

FACTOR, STEP = 747796405, 2891336453  # of a congruential generator modulo 2³²: TP_DRAW_… of tp_keep_random_f32.c
MIX = 2654435761  # odd, near 2³² over the golden section: spreads what is multiplied (TP_DRAW_MIX)
STREAMS = 2246822519  # odd with mixed bits: keys of neighbouring streams have few bits in common


@dataclass(frozen=True)
class KeepRandom(SelectionRule):
    """Keeps each stored entry of δ with probability `ratio`, whatever it is; zeros are never kept.

        for each entry, in order, modulo 2³²:
            drawn ← 747796405·drawn + 2891336453
            keep the entry if 2654435761·(drawn xor key) < ratio·2³²

    How many are kept follows the draw: on average `ratio` of the entries that are not zero, now and then none, which
    ends the pass. One look per entry;
    `drawn` is remembered, so that host and board draw alike.
    ratio: 0 … 1; stream: which of the sequences, so that layers of one size draw apart, a whole number ≥ 0. Raises
    UserError for any other.
    """

    c_function: ClassVar[str] = "tp_keep_random_f32"
    memory: ClassVar[str] = "drawn"
    ratio: float
    stream: int = 0

    def __post_init__(self) -> None:
        require_fraction("KeepRandom", "ratio", self.ratio)
        require_count("KeepRandom", "stream", self.stream)

    @property
    def bound(self) -> int:
        """Draws below it keep their entry."""
        return min(round(float(np.float32(self.ratio)) * 2**32), 2**32 - 1)

    @property
    def key(self) -> int:
        """What tells one stream from another; their draws themselves are the same."""
        return self.stream * STREAMS % 2**32

    def select(self, state: LayerState, delta: np.ndarray, n: int, order: np.ndarray) -> tuple[LayerState, Selected]:
        drawn, kept = int(state.drawn), np.zeros(delta.size, dtype=bool)
        for entry in range(delta.size):
            drawn = (drawn * FACTOR + STEP) % 2**32
            kept[entry] = (drawn ^ self.key) * MIX % 2**32 < self.bound
        kept = kept.reshape(delta.shape) & (delta != 0)
        return LayerState(drawn=np.uint32(drawn)), Selected.of(delta, kept, looks=delta.size)
