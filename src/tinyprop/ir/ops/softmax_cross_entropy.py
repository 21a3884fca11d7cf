"""Softmax followed by cross-entropy: the loss of classification, and the error it sends back into the logits.

Order of sums: the normaliser over the classes, ascending. In float32 `expf` and `logf` are the engine's own.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.ir.elementary import expf, logf
from tinyprop.ir.op import Array, sum_in_order


@dataclass(frozen=True)
class SoftmaxCrossEntropy:
    """logits (N,), label in [0, N) → loss, and δ (N,) = softmax(logits) − onehot(label)."""

    kind: ClassVar[str] = "softmax_cross_entropy"

    def loss_and_error(self, logits: Array, label: int) -> tuple[np.floating, Array]:
        """The loss of one sample and ∂loss/∂logits, in the dtype of `logits` (float32 or float64)."""
        exponential, logarithm = (expf, logf) if logits.dtype == np.float32 else (np.exp, np.log)
        shifted = logits - np.max(logits)
        e = exponential(shifted)
        total = sum_in_order(np.zeros((), logits.dtype), e)
        error = e / total
        error[label] -= logits.dtype.type(1)
        return logits.dtype.type(logarithm(total) - shifted[label]), error
