"""Keep every entry of δ: plain training of a layer."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.methods.rules.rule import LayerState, Selected, SelectionRule


@dataclass(frozen=True)
class KeepAll(SelectionRule):
    """Keeps all there is. Exact zeros carry nothing and are not counted as kept."""

    c_function: ClassVar[str] = "tp_keep_all_f32"

    def select(self, state: LayerState, delta: np.ndarray, n: int, order: np.ndarray) -> tuple[LayerState, Selected]:
        return state, Selected.of(delta, kept=delta != 0, looks=0)
