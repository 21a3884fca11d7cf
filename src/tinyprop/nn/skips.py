"""The skipping rules on a batch, and a sample's own loss, told from its outputs and the error sent into them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from torch import Tensor

from tinyprop.ir.losses import CrossEntropy, Loss, MeanSquaredError
from tinyprop.methods.rules.never_skip import NeverSkip
from tinyprop.methods.rules.rule import SkippingRule
from tinyprop.methods.rules.skip_by_error import SkipByError
from tinyprop.methods.rules.skip_by_loss import SkipByLoss
from tinyprop.methods.spec import SkipRule
from tinyprop.nn.selections import larger, on_host


def skipped(
    rule: SkipRule, y_max: np.float32, loss: Loss, outputs: Tensor, error: Tensor
) -> tuple[np.ndarray, np.float32]:
    """(which samples (N,) the step leaves out, y_max after it). error (N, …): each sample's own."""
    return SKIPS[type(rule)](rule, y_max, loss, outputs, error)


def _never(
    rule: NeverSkip, y_max: np.float32, loss: Loss, outputs: Tensor, error: Tensor
) -> tuple[np.ndarray, np.float32]:
    return np.zeros(len(error), bool), y_max


def _by_error(
    rule: SkipByError, y_max: np.float32, loss: Loss, outputs: Tensor, error: Tensor
) -> tuple[np.ndarray, np.float32]:
    y = on_host(error.flatten(1).abs().sum(1))
    peak = larger(y_max, y)
    with np.errstate(invalid="ignore", over="ignore"):
        relative = y / peak if peak > 0 else np.zeros_like(y)
    return relative < np.float32(rule.theta), peak


def _by_loss(
    rule: SkipByLoss, y_max: np.float32, loss: Loss, outputs: Tensor, error: Tensor
) -> tuple[np.ndarray, np.float32]:
    return on_host(own_loss(loss, outputs, error)) < np.float32(rule.tau), y_max


SKIPS: Mapping[type[SkippingRule], Callable[..., tuple[np.ndarray, np.float32]]] = MappingProxyType(
    {NeverSkip: _never, SkipByError: _by_error, SkipByLoss: _by_loss}
)


def own_loss(loss: Loss, outputs: Tensor, error: Tensor) -> Tensor:
    """Each sample's loss (N,), of outputs (N, …) and its own error there."""
    return OWN_LOSSES[type(loss)](outputs.flatten(1).float(), error.flatten(1))


def _cross_entropy(outputs: Tensor, error: Tensor) -> Tensor:
    logs = outputs.log_softmax(1)
    return ((error - logs.exp()) * logs).sum(1)  # softmax − error is what was wanted, smoothed labels too


def _mean_squared_error(outputs: Tensor, error: Tensor) -> Tensor:
    return error.square().sum(1) * (outputs.shape[1] / 4)  # error = 2·distance/outputs


OWN_LOSSES: Mapping[type[Loss], Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {CrossEntropy: _cross_entropy, MeanSquaredError: _mean_squared_error}
)

REDUCTIONS: Mapping[str, Callable[[Loss, Tensor], float]] = MappingProxyType(
    {
        "mean": lambda loss, outputs: len(outputs),
        "sum": lambda loss, outputs: 1 / outputs[0].numel() if isinstance(loss, MeanSquaredError) else 1,
    }
)
"""reduction → what an error in the batch's loss must be multiplied with to be the sample's own."""
