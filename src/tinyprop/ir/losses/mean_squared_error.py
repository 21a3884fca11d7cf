"""Mean squared error: the loss of regression and of autoencoders.

Order of sums: the squares over the outputs, ascending.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyprop.errors import UserError
from tinyprop.ir.losses.loss import Loss, Truth
from tinyprop.ir.op import Array, sum_in_order


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """outputs y (N,), target t (N,) → loss Σ(y − t)²/N, and error 2(y − t)/N; as torch's `F.mse_loss` of one sample."""

    kind: ClassVar[str] = "mse"
    learns_targets: ClassVar[bool] = True
    after_relu: ClassVar[bool] = True

    @property
    def can_overflow(self) -> bool:
        """A distance from 1.8e19 on has no square in float32."""
        return True

    def require_truth(self, truth: Truth, outputs: int) -> None:
        if np.shape(truth) != (outputs,):
            raise UserError(
                f"the target has shape {np.shape(truth)}, but mean squared error learns one float per output, "
                f"({outputs},): pass these, or take loss='cross_entropy' for class labels."
            )
        with np.errstate(over="ignore"):
            if not np.isfinite(np.asarray(truth, np.float32)).all():
                raise UserError("the target contains NaN or infinity: repair it or leave the sample out.")

    def loss_and_error(self, outputs: Array, truth: Truth) -> tuple[np.floating, Array]:
        number = outputs.dtype.type
        size = number(outputs.size)
        with np.errstate(over="ignore"):  # the loss is judged by the trainer
            distance = outputs.ravel() - np.asarray(truth, number)
            total = sum_in_order(np.zeros((), number), distance * distance)
            error = distance * (number(2) / size)
        return number(total / size), error.reshape(outputs.shape)
