"""The optimizer: how a layer's gradient changes its weights, and the arithmetic of it as the C engine does it."""

from dataclasses import dataclass

import numpy as np

from tinyprop.errors import UserError
from tinyprop.methods.rules.magnitude import norm
from tinyprop.methods.rules.number_check import as_float32


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent, one sample at a time, with momentum, weight decay and clipping as options.

        δ_L ← δ_L · clip / max(clip, ‖δ_L‖₂)                    once per step, behind the decision to skip it
        g   ← ∂loss/∂w + weight_decay · w                      for each layer that keeps an error, biases included
        v   ← momentum · v + g                                 v starts at 0
        w   ← w − rate · v                                     without momentum: w ← w − rate · g

    momentum: 0 or more and below 1; costs 4 bytes of RAM per trainable parameter and two passes over them per step.
    weight_decay: 0 or more, coupled as in `torch.optim.SGD`; costs one pass where there is no momentum.
    clip: the largest L2 norm of the error at the outputs, above 0; None: no limit. Costs no RAM.
    With momentum or weight decay, a dense layer's error gets memory of its own while the layer is updated.
    Raises UserError for settings out of range.

    Source: `torch.optim.SGD`, dampening and Nesterov left out. Differs from PyTorch: a layer that keeps no error in a
    step (the sample was skipped, or the pass ended above it) keeps weights and velocities as they are, like a parameter
    whose `grad` is None; an error that is not kept counts as 0. The rule that skips samples sees the unclipped error.
    """

    momentum: float = 0.0
    weight_decay: float = 0.0
    clip: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= as_float32(self.momentum) < 1:
            raise UserError(f"SGD was given momentum={self.momentum!r}: choose a number of 0 or more and below 1.")
        if not as_float32(self.weight_decay) >= 0:
            raise UserError(f"SGD was given weight_decay={self.weight_decay!r}: choose a finite number of 0 or more.")
        if self.clip is not None and not as_float32(self.clip) > 0:
            raise UserError(f"SGD was given clip={self.clip!r}: choose a finite number above 0, or None for no limit.")

    @property
    def plain(self) -> bool:
        """Whether an update is the gradient alone, which kernels subtract in the pass that propagates the error."""
        return not (self.momentum or self.weight_decay)

    def ram_bytes(self, parameters: int) -> int:
        """What it keeps between steps for that many trainable parameters. `Network.memory_by_choice` says all it costs,
        the error of a dense layer included, which a plain update lets overwrite the layer's input."""
        return 4 * parameters if self.momentum else 0

    def clipped(self, error: np.ndarray) -> np.ndarray:
        """δ_L of a step that is taken, (n,) float32; squares are added in ascending order. Twin: `tp_clip_f32`."""
        if self.clip is None:
            return error
        largest = np.float32(self.clip)
        with np.errstate(over="ignore", under="ignore"):
            length = norm(error)
            return error * (largest / length) if length > largest else error

    def carried(self, velocity: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """momentum · v + weight_decay · w, to which the gradient is then added. Twin: `tp_velocity_f32`."""
        carried = np.float32(self.momentum) * velocity
        return carried + np.float32(self.weight_decay) * weight if self.weight_decay else carried

    def decayed(self, weight: np.ndarray, rate: float) -> np.ndarray:
        """w − (rate · weight_decay) · w, from which rate · gradient is then taken. Twin: `tp_descend_f32`."""
        if not self.weight_decay:
            return weight
        return descended(weight, weight, float(np.float32(rate) * np.float32(self.weight_decay)))


def descended(weight: np.ndarray, direction: np.ndarray, rate: float) -> np.ndarray:
    """w − rate · direction, float32. Twin: `tp_descend_f32`."""
    return weight - np.float32(rate) * direction


PLAIN = SGD()
