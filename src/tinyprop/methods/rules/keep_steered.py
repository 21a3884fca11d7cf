"""Keep what is large beside this step's typical error, with a bar that learns how much that is."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.errors import UserError
from tinyprop.methods.rules.keep_above import above
from tinyprop.methods.rules.keep_diffused import diffused
from tinyprop.methods.rules.magnitude import bar_at, bar_over_norm
from tinyprop.methods.rules.number_check import require_fraction
from tinyprop.methods.rules.rule import LayerState, Selected, SelectionRule

GAIN = 0.01  # of the controller, per step
LOWEST, HIGHEST = np.float32(1 / 16), np.float32(64)  # TP_STEERED_… of tp_keep_steered_f32.c
FIRST = np.float32(1)


@dataclass(frozen=True)
class KeepSteered(SelectionRule):
    """As `KeepDiffused` where a channel has several positions, else as `KeepAbove`, with theta steered to a mean k.

        select with theta = bar, nothing where nothing reaches it;  k: how many are kept
        bar ← bar · (1 + 0.01·(k/(ratio·n) − 1)), within 1/16 … 64

    So the logarithm of the bar stands still where k is ratio·n on average; a single step may keep more or less, as its
    error asks for. bar starts at 1 and is remembered, four bytes a layer.
    ratio: share of the layer's outputs, above 0, up to 1. Raises UserError for any other.
    """

    c_function: ClassVar[str] = "tp_keep_steered_f32"
    memory: ClassVar[str] = "bar"
    ratio: float

    def __post_init__(self) -> None:
        require_fraction("KeepSteered", "ratio", self.ratio)
        if np.float32(self.ratio) == 0:
            raise UserError("KeepSteered was given ratio=0, which no bar can be steered to: choose more than 0.")

    def per_entry(self, n: int) -> np.float32:
        """What each kept entry of a layer of `n` outputs adds to the bar's factor, which is 1 − gain without any."""
        return np.float32(GAIN / (self.ratio * n))

    def select(self, state: LayerState, delta: np.ndarray, n: int, order: np.ndarray) -> tuple[LayerState, Selected]:
        bar = state.bar if state.bar > 0 else FIRST
        height = bar_at(bar * bar_over_norm(1.0, delta.size), delta)
        several = math.prod(delta.shape[1:]) > 1
        selected = diffused(delta, height) if several else above(delta, height, all_if_none=False)
        return LayerState(bar=self.steered(bar, int(selected.kept.sum()), n)), selected

    def steered(self, bar: np.float32, k: int, n: int) -> np.float32:
        """The bar of the next step."""
        factor = np.float32(1 - GAIN) + self.per_entry(n) * np.float32(k)
        return min(max(bar * factor, LOWEST), HIGHEST)
