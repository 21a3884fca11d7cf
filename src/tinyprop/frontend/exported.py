"""torch.export with the user's model left untouched and its failures told in one sentence."""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram

from tinyprop.errors import UserError


def checked_example(example_input: Any) -> torch.Tensor:
    """`example_input` as a float32 tensor of shape (1, …); raises UserError when it is not one sample."""
    try:
        example = torch.as_tensor(example_input)
    except (TypeError, ValueError, RuntimeError):
        raise UserError(
            f"example_input is a {type(example_input).__name__}: pass one sample as a tensor or array, such as x[:1]."
        ) from None
    if example.ndim < 2 or example.shape[0] != 1:
        raise UserError(
            f"example_input has shape {tuple(example.shape)}, which is not a batch of one sample: pass (1, …), "
            f"such as x[:1] of a data set or x[None] of a sample."
        )
    if not example.dtype.is_floating_point:
        raise UserError(f"example_input is {_dtype(example)}: pass float32, scaled as the model was trained on.")
    return example.detach().to(torch.float32, copy=True)  # a model may write into its input


def export_for_inference(model: nn.Module, example: torch.Tensor) -> ExportedProgram:
    """The model in eval mode as a graph of aten calls; raises UserError when it does not run or cannot be exported."""
    parameter = next(model.parameters(), None)
    if parameter is not None:
        example = example.to(parameter.device, parameter.dtype)  # so that a wrong dtype is told with the other problems
    with eval_mode(model), torch.no_grad():
        _check_runs(model, example)
        try:
            with _quiet():
                return torch.export.export(model, (example,))
        except Exception as error:  # torch.export has no common error type
            raise UserError(
                f"torch.export cannot capture {type(model).__name__} ({_first_line(error)}): write forward without "
                f"branches or loops that depend on the data."
            ) from error


def _check_runs(model: nn.Module, example: torch.Tensor) -> None:
    """Runs the model once: its own complaint about a shape is clearer than that of torch.export."""
    try:
        output = model(example)
    except Exception as error:  # whatever the user's forward raises
        raise UserError(
            f"{type(model).__name__} does not run on example_input of shape {tuple(example.shape)} "
            f"({_first_line(error)}): pass one sample in the float32 shape it takes, with a batch dimension of 1."
        ) from error
    if not isinstance(output, torch.Tensor) or output.ndim != 2 or output.shape[0] != 1:
        kind = f"shape {tuple(output.shape)}" if isinstance(output, torch.Tensor) else type(output).__name__
        raise UserError(
            f"{type(model).__name__} returns {kind}: let forward return one tensor of class scores, shape (1, "
            f"classes), or of values to be reproduced or predicted (loss='mse'), flattened to shape (1, values)."
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the graphs, warnings and logs that torch.export writes when it fails: a UserError says it all."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


@contextmanager
def eval_mode(model: nn.Module) -> Iterator[None]:
    """Eval mode for a while; afterwards each module has the mode it had."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def _dtype(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
