"""The losses, one file each. A new one: its file, and its line in LOSSES."""

from collections.abc import Mapping
from types import MappingProxyType

from tinyprop.errors import UserError, unknown_name
from tinyprop.ir.losses.cross_entropy import CrossEntropy as CrossEntropy
from tinyprop.ir.losses.loss import Loss as Loss
from tinyprop.ir.losses.loss import Truth as Truth
from tinyprop.ir.losses.mean_squared_error import MeanSquaredError as MeanSquaredError

LOSSES: Mapping[str, type[Loss]] = MappingProxyType({loss.kind: loss for loss in (CrossEntropy, MeanSquaredError)})


def loss_of(loss: Loss | str) -> Loss:
    """The loss itself, or the one of this name with its usual settings. Raises UserError for anything else."""
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, str):
        if loss not in LOSSES:
            raise unknown_name("loss", loss, LOSSES)
        return LOSSES[loss]()
    known = ", ".join(LOSSES)
    raise UserError(f"loss is {loss!r}, not a loss: pass e.g. CrossEntropy(label_smoothing=0.1), or one of {known}.")
