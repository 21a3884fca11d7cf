"""Softmax followed by cross-entropy: the loss of classification, and the error it sends back into the logits.

Order of sums: the normaliser over the classes, ascending; so are the margins that label smoothing adds up.
In float32 `expf` and `logf` are the engine's own.
"""

from dataclasses import dataclass
from numbers import Integral
from typing import ClassVar

import numpy as np

from tinyprop.errors import UserError
from tinyprop.ir.elementary import expf, logf
from tinyprop.ir.losses.loss import Loss, Truth
from tinyprop.ir.op import Array, sum_in_order
from tinyprop.methods.rules.number_check import require_fraction


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """logits (N,), label in [0, N) → loss, and δ (N,) = softmax(logits) − wanted; as torch's `F.cross_entropy`.

    wanted: 1 for the label and 0 for the others, of which label_smoothing (0 … 1) is taken and spread over all classes.
    Raises UserError for any other label_smoothing.
    """

    kind: ClassVar[str] = "cross_entropy"
    learns_targets: ClassVar[bool] = False
    after_relu: ClassVar[bool] = False
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        require_fraction("CrossEntropy", "label_smoothing", self.label_smoothing)

    @property
    def can_overflow(self) -> bool:
        """The plain error lies between -1 and 1 whatever the logits; smoothing adds up how far they lie apart."""
        return self.label_smoothing > 0

    def require_truth(self, truth: Truth, outputs: int) -> None:
        if not isinstance(truth, Integral):
            raise UserError(f"cross-entropy learns class labels, not {truth!r}: pass an integer, or take loss='mse'.")
        if not 0 <= truth < outputs:
            raise UserError(f"label {truth} is not a class: labels run from 0 to {outputs - 1}.")

    def loss_and_error(self, outputs: Array, truth: Truth) -> tuple[np.floating, Array]:
        number = outputs.dtype.type
        exponential, logarithm = (expf, logf) if number == np.float32 else (np.exp, np.log)
        with np.errstate(over="ignore"):  # logits too far apart: the loss is judged by the trainer
            margins = outputs - np.max(outputs)
        e = exponential(margins)
        total = sum_in_order(np.zeros((), number), e)
        error = e / total
        error[truth] -= number(1)
        loss = number(logarithm(total) - margins[truth])
        return self._smoothed(loss, error, margins, truth) if self.label_smoothing > 0 else (loss, error)

    def _smoothed(self, loss: np.floating, error: Array, margins: Array, label: Truth) -> tuple[np.floating, Array]:
        """The same loss and error once `label_smoothing` of the label's weight lies on all classes evenly."""
        number = margins.dtype.type
        smoothing = number(self.label_smoothing)
        share = smoothing / number(len(margins))
        with np.errstate(over="ignore", invalid="ignore"):
            apart = sum_in_order(np.zeros((), number), margins)
            loss = loss + (smoothing * margins[label] - share * apart)
        error[label] += smoothing
        return number(loss), error - share
