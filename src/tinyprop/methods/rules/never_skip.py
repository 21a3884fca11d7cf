"""Take every training step."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.methods.rules.rule import LayerState, SkippingRule


@dataclass(frozen=True)
class NeverSkip(SkippingRule):
    """Skips nothing; the engine needs no code for it."""

    c_function: ClassVar[str] = ""

    def skip(self, state: LayerState, loss: np.float32, y: np.float32) -> tuple[LayerState, bool]:
        return state, False
