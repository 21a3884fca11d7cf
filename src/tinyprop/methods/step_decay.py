"""A learning rate that falls in steps."""

from dataclasses import dataclass

import numpy as np

from tinyprop.errors import UserError
from tinyprop.methods.rules.number_check import as_float32


@dataclass(frozen=True)
class StepDecay:
    """The rate `initial`, times `factor` after every `every` training steps, skipped ones included.

    initial: finite, 0 or more. factor: 0 … 1. every: 1 or more. Raises UserError for any other. `torch.optim`'s StepLR,
    stepped once per sample. Costs no RAM; `tp_step_rate` is the same in firmware.
    """

    initial: float
    factor: float
    every: int

    def __post_init__(self) -> None:
        if not as_float32(self.initial) >= 0:
            raise UserError(f"StepDecay was given initial={self.initial!r}: choose a finite number of 0 or more.")
        if not 0 <= as_float32(self.factor) <= 1:
            raise UserError(f"StepDecay was given factor={self.factor!r}: choose a number from 0 to 1.")
        if not as_float32(self.every) >= 1 or self.every != int(self.every):
            raise UserError(f"StepDecay was given every={self.every!r}: choose a whole number of 1 or more steps.")

    def rates(self, steps: int) -> np.ndarray:
        """The rate of each of the first `steps` steps, (steps,) float32, by repeated multiplication in float32."""
        falls = np.full(-(-steps // int(self.every)), self.factor, np.float32)
        falls[:1] = self.initial
        with np.errstate(under="ignore"):
            return np.multiply.accumulate(falls)[np.arange(steps) // int(self.every)]
