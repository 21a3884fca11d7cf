"""How each loss becomes C: one explicit table, loss → the expression that turns outputs into their error."""

from collections.abc import Callable
from typing import Any

from tinyprop.codegen.call import Call
from tinyprop.codegen.join_calls import copy_call
from tinyprop.codegen.literals import c_float, c_uint
from tinyprop.codegen.places import Places
from tinyprop.ir.losses import CrossEntropy, Loss, MeanSquaredError


def loss_expression(places: Places) -> str:
    """What returns the loss, and makes of the outputs in `error` the error that goes back."""
    loss = places.train.loss
    return LOSS_EXPRESSIONS[type(loss)](loss, c_uint(places.train.program.output.size))


def before_loss_calls(places: Places) -> list[Call]:
    """A copy of the outputs for the loss to overwrite, where the backward pass still needs the outputs themselves."""
    output = places.train.program.output
    source, target = places.read(output.name), places.error(output.name, "y")
    return [] if source.text == target.text else [copy_call(source, target, output.size)]


def _cross_entropy(loss: CrossEntropy, size: str) -> str:
    if loss.label_smoothing == 0:
        return f"tp_softmax_cross_entropy_f32(error, label, {size})"
    return f"tp_smoothed_cross_entropy_f32(error, label, {size}, {c_float(loss.label_smoothing)})"


def _mean_squared_error(loss: MeanSquaredError, size: str) -> str:
    return f"tp_mean_squared_error_f32(error, target, {size})"


LOSS_EXPRESSIONS: dict[type[Loss], Callable[[Any, str], str]] = {
    CrossEntropy: _cross_entropy,
    MeanSquaredError: _mean_squared_error,
}
