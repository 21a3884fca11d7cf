"""A loss other than the one that `apply_` was told is warned of, once; what may be right is not."""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import tinyprop
from tinyprop.nn import Handle, apply_
from tinyprop.nn.doubts import PASSES, doubt

SAMPLES, CLASSES = 16, 6
WEIGHTS = torch.tensor([0.01, 0.1, 1.0, 5.0, 20.0, 100.0])
LABELS = torch.arange(SAMPLES) % CLASSES
ONE_HOT = functional.one_hot(LABELS, CLASSES).float()
TWO = functional.one_hot(LABELS % 2, 2).float()
ROOMY = 65536.0  # where a GradScaler starts


@dataclass(frozen=True)
class Case:
    """loss: of outputs, as it is backpropagated; told: what apply_ is told; last: modules behind the logits."""

    loss: Callable[[Tensor], Tensor]
    told: dict[str, Any] = field(default_factory=dict)
    last: tuple[nn.Module, ...] = ()
    outputs: int = CLASSES
    method: str | tinyprop.Method = "tinyprop_v2"


def entropy(labels: Tensor = LABELS, **settings: Any) -> Callable[[Tensor], Tensor]:
    return lambda outputs: functional.cross_entropy(outputs, labels, **settings)


def applied(case: Case) -> tuple[nn.Module, Handle, Tensor]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(9, 12), nn.ReLU(), nn.Linear(12, case.outputs), *case.last)
    return model, apply_(model, case.method, **case.told), torch.randn(SAMPLES, 9)


def train(model: nn.Module, loss: Callable[[Tensor], Tensor], x: Tensor, rounded: torch.dtype | None = None) -> None:
    for _ in range(PASSES):
        with torch.autocast("cpu", rounded or torch.bfloat16, enabled=rounded is not None):
            found = loss(model(x))
        found.backward()


SUM_TO_0 = (
    "the errors at the model's outputs are not those of cross-entropy, since a sample's do not sum to 0: let the "
)
LARGER = "the errors at the model's outputs are larger than the mean of a batch's cross-entropies sends: pass apply_ "
NOT_MSE = "the errors at the model's outputs are those of cross-entropy, not of loss='mse': pass apply_ "
WRONG = {
    "log softmax": (Case(lambda out: functional.nll_loss(out, LABELS), last=(nn.LogSoftmax(1),)), SUM_TO_0),
    "mse": (Case(lambda out: functional.mse_loss(out, ONE_HOT)), SUM_TO_0),
    "bce": (Case(lambda out: functional.binary_cross_entropy_with_logits(out, ONE_HOT)), SUM_TO_0),
    "bce of one": (
        Case(lambda out: functional.binary_cross_entropy_with_logits(out, TWO[:, :1]), outputs=1),
        SUM_TO_0,
    ),
    "sum": (Case(entropy(reduction="sum")), LARGER),
    "scale": (Case(lambda out: ROOMY * entropy()(out)), LARGER),
    "told mse": (Case(entropy(), {"loss": "mse"}), NOT_MSE),
    "told mse of two": (Case(entropy(LABELS % 2), {"loss": "mse"}, outputs=2), NOT_MSE),
    "told a sum of mse": (Case(entropy(reduction="sum"), {"loss": "mse", "reduction": "sum"}), NOT_MSE),
}


@pytest.mark.parametrize("name", WRONG)
def test_another_loss_than_was_told_is_warned_of_once(name: str) -> None:
    case, sentence = WRONG[name]
    model, _, x = applied(case)
    with pytest.warns(UserWarning, match=re.escape(sentence)) as told:
        train(model, case.loss, x)
    [warning] = told
    assert str(warning.message).endswith("; until then each sample's loss is told wrongly.")


SMOOTH = {"loss": tinyprop.CrossEntropy(label_smoothing=0.2)}
RIGHT = {
    "mean": Case(entropy()),
    "sum": Case(entropy(reduction="sum"), {"reduction": "sum"}),
    "scaled": Case(lambda out: ROOMY * entropy()(out), {"loss_scale": lambda: ROOMY}),
    "overflowing": Case(lambda out: float("inf") * entropy()(out), {"loss_scale": lambda: ROOMY}),
    "accumulated": Case(lambda out: entropy()(out) / 4),
    "smoothed": Case(entropy(label_smoothing=0.2), SMOOTH),
    "weights": Case(entropy(weight=WEIGHTS)),
    "weights, one class in the batch": Case(entropy(torch.zeros_like(LABELS), weight=WEIGHTS)),
    "weights in a sum": Case(entropy(weight=WEIGHTS, reduction="sum"), {"reduction": "sum"}),
    "weights, smoothed": Case(entropy(torch.zeros_like(LABELS), weight=WEIGHTS, label_smoothing=0.2), SMOOTH),
    "ignored": Case(entropy(LABELS.where(LABELS != 2, -100))),
    "all ignored": Case(entropy(torch.full_like(LABELS, -100))),
    "soft targets": Case(entropy(torch.full((SAMPLES, CLASSES), 1 / CLASSES))),
    "skipped": Case(entropy(), method=tinyprop.LossSkip(1.8)),
    "one class": Case(entropy(torch.zeros_like(LABELS)), outputs=1),
    "mse": Case(lambda out: functional.mse_loss(out, ONE_HOT), {"loss": "mse"}),
    "sum of mse": Case(
        lambda out: functional.mse_loss(out, ONE_HOT, reduction="sum"), {"loss": "mse", "reduction": "sum"}
    ),
    "mse of one": Case(lambda out: functional.mse_loss(out, TWO[:, :1]), {"loss": "mse"}, outputs=1),
    "mse of probabilities": Case(lambda out: functional.mse_loss(out, ONE_HOT), {"loss": "mse"}, (nn.Softmax(1),)),
    "mse of two": Case(lambda out: functional.mse_loss(out, TWO), {"loss": "mse"}, (nn.Softmax(1),), outputs=2),
}


@pytest.mark.parametrize("rounded", [None, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("name", RIGHT)
def test_what_may_be_right_is_not_warned_of(name: str, rounded: torch.dtype | None) -> None:
    case = RIGHT[name]
    model, handle, x = applied(case)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(model, case.loss, x, rounded)
    assert handle.stats().samples == PASSES * SAMPLES


def test_mse_of_two_alike_probabilities_and_of_a_fit_with_large_outputs_is_not_cross_entropy() -> None:
    loss, labels = tinyprop.MeanSquaredError(), TWO[:4]
    halves = torch.full((4, 2), 0.5)
    assert doubt(loss, "mean", halves, halves - labels, 0.0) == ""  # the errors of both losses
    assert doubt(loss, "mean", torch.zeros(4, 2), halves - labels, 0.0)
    large = 100 * labels
    assert doubt(loss, "mean", large, torch.full((4, 2), 1e-3), 0.0) == ""


def test_small_errors_in_half_precision_are_not_doubted_for_their_rounding() -> None:
    """Of a label that is as good as known among a thousand, in a loss that nobody scaled."""
    torch.manual_seed(0)
    model, x, labels = nn.Linear(9, 1000), torch.randn(64, 9), torch.zeros(64, dtype=torch.int64)
    with torch.no_grad():
        model.bias[0] += 14
    handle = apply_(model, "full")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(model, entropy(labels), x, torch.float16)
    error = handle._output.batch.error
    assert error.sum(1).abs().sum() > 0.1 * error.abs().sum() > 0  # there is something to excuse


def test_one_error_that_overflowed_is_no_reason_for_doubt() -> None:
    for size in (float("inf"), float("nan")):
        error = torch.zeros(4, 3)
        error[1, 2] = size
        assert doubt(tinyprop.CrossEntropy(), "mean", torch.zeros(4, 3), error, 0.0) == ""
        assert doubt(tinyprop.MeanSquaredError(), "mean", torch.zeros(4, 3), error, 0.0) == ""


def test_only_the_first_passes_are_looked_at() -> None:
    model, _, x = applied(Case(entropy()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(model, entropy(), x)
        model(x).sum().backward()
