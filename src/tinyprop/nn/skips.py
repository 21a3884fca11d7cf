"""The skipping rules on a batch, and a sample's own loss, told from its outputs and the error sent into them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from tinyprop.ir.losses import CrossEntropy, Loss, MeanSquaredError
from tinyprop.methods.rules.never_skip import NeverSkip
from tinyprop.methods.rules.rule import SkippingRule
from tinyprop.methods.rules.skip_by_error import SkipByError
from tinyprop.methods.rules.skip_by_loss import SkipByLoss
from tinyprop.methods.spec import SkipRule
from tinyprop.nn.selections import larger


def skipped(rule: SkipRule, y_max: Tensor, loss: Loss, outputs: Tensor, error: Tensor) -> Tensor:
    """Which samples (N,) the step leaves out. error (N, …): each sample's own; y_max () is replaced in place."""
    return SKIPS[type(rule)](rule, y_max, loss, outputs, error)


def _never(rule: NeverSkip, y_max: Tensor, loss: Loss, outputs: Tensor, error: Tensor) -> Tensor:
    return torch.zeros(len(error), dtype=torch.bool, device=error.device)


def _by_error(rule: SkipByError, y_max: Tensor, loss: Loss, outputs: Tensor, error: Tensor) -> Tensor:
    y = error.flatten(1).abs().sum(1)
    y_max.copy_(larger(y_max, y))
    return torch.where(y_max > 0, y / y_max, 0) < rule.theta


def _by_loss(rule: SkipByLoss, y_max: Tensor, loss: Loss, outputs: Tensor, error: Tensor) -> Tensor:
    return own_loss(loss, outputs, error) < rule.tau


SKIPS: Mapping[type[SkippingRule], Callable[..., Tensor]] = MappingProxyType(
    {NeverSkip: _never, SkipByError: _by_error, SkipByLoss: _by_loss}
)


def own_loss(loss: Loss, outputs: Tensor, error: Tensor) -> Tensor:
    """Each sample's loss (N,), of outputs (N, …) and its own error there."""
    return OWN_LOSSES[type(loss)](outputs.flatten(1).float(), error.flatten(1))


def _cross_entropy(outputs: Tensor, error: Tensor) -> Tensor:
    logs = outputs.log_softmax(1)
    return -((logs.exp() - error) * logs).sum(1)  # softmax − error is what was wanted, smoothed labels too


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
