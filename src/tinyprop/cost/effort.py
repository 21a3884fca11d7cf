"""Effort: multiply-adds done, over those of plain full training of the same network.

The yardstick is counted on paper: every multiply-add of every layer, un-pooled, padding taps included, without the
input error of the lowest layer that can train and of those below it (1 MAC = 1 multiply-add; biases not counted). What
a run did is what the instrumented engine counted; looking at an element to choose what to keep counts as one. A method
that computes every value is on paper what plain training is, whatever its kernels find to leave out: its effort is 1.
"""

from dataclasses import dataclass

import numpy as np

from tinyprop.errors import InternalError
from tinyprop.ir.graph import Program
from tinyprop.ir.op import LayerOp, MacCount
from tinyprop.ir.prefix import require_frozen_prefix
from tinyprop.ir.train_program import TrainProgram
from tinyprop.trace import StepTrace, StoreTrace


@dataclass(frozen=True)
class PlainMacs:
    """Multiply-adds of one plain full training step. backward (T,): per layer, forward order."""

    forward: int
    backward: tuple[int, ...]

    @property
    def total(self) -> int:
        """Forward and backward."""
        return self.forward + sum(self.backward)


@dataclass(frozen=True)
class Effort:
    """bwd: backward MACs over those of plain training; total: (forward + backward + looks) over the same."""

    bwd: float
    total: float


def plain_macs(program: Program) -> PlainMacs:
    """The yardstick for `program`, fused or not."""
    counts = _counts(program)
    lowest = next((layer for layer, node in enumerate(program.layers) if node.trained), len(counts))
    backward = tuple(c.weight_gradient + (c.input_error if layer > lowest else 0) for layer, c in enumerate(counts))
    return PlainMacs(forward=sum(c.forward for c in counts), backward=backward)


def _counts(program: Program) -> list[MacCount]:
    return [node.op.macs(program.value_in(node).shape) for node in program.layers if isinstance(node.op, LayerOp)]


def effort(train: TrainProgram, trace: StepTrace, latent: bool = False) -> Effort:
    """Mean effort of the steps in `trace`, which must come from an instrumented engine.

    latent: whether they began behind the frozen prefix. The yardstick stays a whole step of plain full training.
    """
    if trace.macs_forward is None or trace.macs_backward is None or trace.looks is None:
        raise InternalError("effort needs a trace with multiply-adds: run on the host engine or the oracle")
    plain = plain_macs(train.program)
    if train.spec.skip_zeros:
        forward, backward = float(trace.macs_forward.mean()), float(trace.macs_backward.mean())
    else:
        left_out = require_frozen_prefix(train).forward_macs(train.program) if latent else 0
        forward, backward = float(plain.forward - left_out), _on_paper(train, trace)
    looks = float(trace.looks.mean())
    return Effort(bwd=backward / sum(plain.backward), total=(forward + backward + looks) / plain.total)


def effort_of_visits(train: TrainProgram, run: StoreTrace) -> Effort:
    """Mean effort of the turns in `run`: that of its steps, and none where the sample slept."""
    if not len(run.steps):
        return Effort(0.0, 0.0)
    made = effort(train, run.steps, run.latent)
    return Effort(bwd=made.bwd * run.awake, total=made.total * run.awake)


def _on_paper(train: TrainProgram, trace: StepTrace) -> float:
    """Backward MACs when each kept value costs its share of what the layer must compute, zero or not.

    A layer computes its weight's gradient if that learns, and its input's error if something below it does. A frozen
    one lets the whole error pass.
    """
    program, counts, learning = train.program, _counts(train.program), set(train.trainable)
    total = np.zeros(len(trace))
    below = False
    for layer, node in enumerate(program.layers):
        trains = not learning.isdisjoint(node.parameters)
        n = node.op.delta_count(program.value_in(node).shape)  # type: ignore[attr-defined]
        share = trace.kept[:, layer] / n if trains else np.where(trace.skipped, 0.0, 1.0)
        weight = counts[layer].weight_gradient if node.parameters[0] in learning else 0
        total += share * (weight + (counts[layer].input_error if below else 0))
        below = below or trains
    return float(total.mean())
