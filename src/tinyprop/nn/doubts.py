"""Whether the errors that arrive at a model's outputs can be those of the loss that `apply_` was told.

Doubted is only what nothing but a mistake explains. Class weights scale a sample's error and ignored targets take it
away, but it still sums to 0, and PyTorch's mean divides by what counts, so that a batch's errors together are no
larger. Under a sum a weight cannot be told from a scale, nor where labels are smoothed, as the mean then does not.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from tinyprop.ir.losses import CrossEntropy, Loss, MeanSquaredError
from tinyprop.nn.selections import on_host

PASSES = 5  # backward passes that are looked at: a wrong loss shows in the first
SLACK = 0.1  # more than what bfloat16 leaves of a sum of 0
LARGEST = 2.02  # Σ|δ| of a sample: softmax − wanted, both of which sum to 1, and rounding


def doubt(loss: Loss, reduction: str, outputs: Tensor, error: Tensor, rounding: float) -> str:
    """Why not, and what to do, in one sentence; "": nothing speaks against it.

    error (N, …): each sample's own, of outputs (N, …). rounding: what errors too small for the type they came in may
    add up to.
    """
    found = DOUBTS[type(loss)](loss, reduction, outputs.flatten(1).float(), error.flatten(1), rounding)
    return found and f"the errors at the model's outputs {found}; until then each sample's loss is told wrongly."


def _cross_entropy(loss: CrossEntropy, reduction: str, outputs: Tensor, error: Tensor, rounding: float) -> str:
    apart, size = _sums(error)
    if SLACK * size + rounding < apart:
        return (
            "are not those of cross-entropy, since a sample's do not sum to 0: let the model return logits, not their "
            "Softmax or LogSoftmax, and take cross_entropy of them, or pass apply_ the loss that is backpropagated"
        )
    if reduction == "mean" and not loss.label_smoothing and LARGEST * len(error) < size < float("inf"):
        return (
            "are larger than the mean of a batch's cross-entropies sends: pass apply_ reduction='sum' if the loss is "
            "their sum, and loss_scale if it is multiplied before backward()"
        )
    return ""


def _mean_squared_error(loss: MeanSquaredError, reduction: str, outputs: Tensor, error: Tensor, rounding: float) -> str:
    """Squared distances may send anything: doubted is what cross-entropy of a label would send, in every sample."""
    apart, size = _sums(error)
    if apart > SLACK * size:
        return ""  # nearly always: what follows costs more
    values = outputs.shape[1]
    sent = error * (values if reduction == "sum" else 1)
    entropic = outputs.softmax(1) - sent
    squared = outputs - error * (values / 2)  # the targets; where they are labels too the losses are near each other
    far = torch.stack((_from_a_label(entropic), _from_a_label(squared), sent.abs().max()))
    from_entropic, from_squared, largest = on_host(far)
    if from_entropic < SLACK**2 < from_squared and largest > SLACK:
        return "are those of cross-entropy, not of loss='mse': pass apply_ loss='cross_entropy'"
    return ""


def _sums(error: Tensor) -> tuple[float, float]:
    """(how far the samples' sums are from 0, Σ|δ| of them all), with one wait for the device."""
    apart, size = on_host(torch.stack((error.sum(1).abs().sum(), error.abs().sum())))
    return float(apart), float(size)


def _from_a_label(wanted: Tensor) -> Tensor:
    """How far the worst row (N, outputs) is from 1 in one place and 0 elsewhere."""
    label = torch.zeros_like(wanted).scatter_(1, wanted.argmax(1, keepdim=True), 1)
    return (wanted - label).abs().max()


DOUBTS: Mapping[type[Loss], Callable[..., str]] = MappingProxyType(
    {CrossEntropy: _cross_entropy, MeanSquaredError: _mean_squared_error}
)
