"""What a user hands to an engine, checked in one place before anything runs."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinyprop.errors import UserError
from tinyprop.methods.step_decay import StepDecay

LARGEST_RATE = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class SampleCheck:
    """What an engine accepts. input_shape: of one sample; outputs: the classes, whose labels run from 0 to outputs - 1,
    or where the loss learns_targets the floats of one target."""

    input_shape: tuple[int, ...]
    outputs: int
    learns_targets: bool = False

    def samples(self, x: Any) -> np.ndarray:
        """x as (N, inputs) float32, contiguous. Raises UserError."""
        array = _numbers(x, "samples")
        if array.ndim == 0 or array.shape[1:] != self.input_shape:
            raise UserError(self._wrong_shape(array.shape))
        if len(array) == 0:
            raise UserError("no samples were given: pass at least one.")
        return _finite_rows(array, "sample {} holds")

    def truths(self, y: Any, count: int) -> np.ndarray:
        """What `count` samples teach: y as labels or as targets, whichever the loss learns. Raises UserError."""
        return self.targets(y, count) if self.learns_targets else self.labels(y, count)

    def targets(self, y: Any, count: int) -> np.ndarray:
        """y as (N, outputs) float32, contiguous. Raises UserError."""
        array = _numbers(y, "targets")
        if array.shape[1:] != (self.outputs,):
            flat = array.ndim > 2 and math.prod(array.shape[1:]) == self.outputs
            advice = "pass y.reshape(len(y), -1)" if flat else "pass one float per output of the network"
            raise UserError(
                f"targets have shape {array.shape}, this network learns targets of shape (N, {self.outputs}): {advice}."
            )
        if len(array) != count:
            raise UserError(f"{count} samples came with {len(array)} targets: pass one target per sample.")
        return _finite_rows(array, "the target of sample {} holds")

    def labels(self, y: Any, count: int) -> np.ndarray:
        """y as (N,) uint32. Raises UserError."""
        array = as_array(y, "labels")
        if array.ndim != 1:
            raise UserError(
                f"labels have shape {array.shape}: pass one class number per sample, shape (N,), "
                "or train with loss='mse' to learn targets."
            )
        if len(array) != count:
            raise UserError(f"{count} samples came with {len(array)} labels: pass one label per sample.")
        if array.dtype.kind not in "iu":
            raise UserError(f"labels have dtype {array.dtype}, not an integer type: pass class numbers from 0.")
        bad = np.flatnonzero((array < 0) | (array >= self.outputs))
        if bad.size:
            raise UserError(
                f"label {array[bad[0]]} of sample {bad[0]} is not a class of this network: "
                f"labels run from 0 to {self.outputs - 1}."
            )
        return array.astype(np.uint32)

    def _wrong_shape(self, given: tuple[int, ...]) -> str:
        expected = ", ".join(["N", *map(str, self.input_shape)])
        hint = "; for one sample pass x[None]" if given == self.input_shape else ""
        return f"samples have shape {given}, this network takes ({expected}){hint}."


def checked_parameters(values: Any, count: int) -> np.ndarray:
    """values as (P,) float32, finite. Raises UserError."""
    array = _numbers(values, "parameters")
    if array.shape != (count,):
        raise UserError(f"parameters have shape {array.shape}, this network takes ({count},).")
    with np.errstate(over="ignore"):
        flat = np.ascontiguousarray(array, dtype=np.float32) + np.float32(0)  # -0 goes in as 0, on every target
    if not np.isfinite(flat).all():
        raise UserError(f"parameter {np.flatnonzero(~np.isfinite(flat))[0]} is NaN or infinite as float32.")
    return flat


def checked_epochs(epochs: Any, name: str = "epochs") -> int:
    """epochs, or what else `name` calls it, as an int of 1 or more. Raises UserError."""
    if isinstance(epochs, bool) or not isinstance(epochs, (int, np.integer)) or epochs < 1:
        raise UserError(f"{name}={epochs!r}: pass an integer of 1 or more.")
    return int(epochs)


def checked_rates(lr: Any, steps: int) -> np.ndarray:
    """The learning rate of each of `steps` steps, (steps,) float32, finite and 0 or more. Raises UserError."""
    return lr.rates(steps) if isinstance(lr, StepDecay) else np.full(steps, _checked_rate(lr), np.float32)


def _checked_rate(rate: Any) -> float:
    is_number = isinstance(rate, (int, float, np.integer, np.floating)) and not isinstance(rate, bool)
    if not is_number or not math.isfinite(rate) or rate < 0 or rate > LARGEST_RATE:
        raise UserError(f"lr={rate!r}: pass a finite float32 number of 0 or more, or a StepDecay.")
    return float(rate)


def _finite_rows(array: np.ndarray, which_holds: str) -> np.ndarray:
    """array as (N, values) float32, contiguous. which_holds: how a sentence on row {} begins. Raises UserError."""
    with np.errstate(over="ignore"):
        flat = np.ascontiguousarray(array, dtype=np.float32).reshape(len(array), -1)
    bad = np.flatnonzero(~np.isfinite(flat).all(axis=1))
    if bad.size:
        raise UserError(f"{which_holds.format(bad[0])} NaN or infinity as float32: remove or repair it.")
    return flat


def as_array(values: Any, what: str) -> np.ndarray:
    """An array, sequence or tensor (also one that wants a gradient) as an array. Raises UserError."""
    try:
        return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
    except (ValueError, TypeError, RuntimeError) as error:
        raise UserError(f"{what} do not form an array ({error}): pass numbers of one shape.") from error


def _numbers(values: Any, what: str) -> np.ndarray:
    array = as_array(values, what)
    if array.dtype.kind not in "fiub":
        raise UserError(f"{what} have dtype {array.dtype}, which is not a real number: pass float32.")
    return array
