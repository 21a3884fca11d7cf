"""A rewriting of the training step: bits in place of activations that are kept only to know where a ReLU was alive."""

from collections.abc import Collection
from dataclasses import replace

from tinyprop.ir.activation_reads import activation_reads
from tinyprop.ir.graph import Program
from tinyprop.ir.ops.reshape import Reshape
from tinyprop.ir.train_program import (
    BackwardStep,
    ForwardStep,
    LossStep,
    PackMaskStep,
    PassErrorStep,
    Step,
    TrainProgram,
)


def maskable(train: TrainProgram) -> tuple[str, ...]:
    """The values of which the steps behind the loss read one bit an element and nothing else, in forward order.

    A value whose numbers are read there, by the update of a layer for instance, stays in memory anyway. What a reshape
    passes on are the same elements: only the value before it counts.
    """
    program = train.program
    origin = _origins(program)
    start = next(time for time, step in enumerate(train.steps) if isinstance(step, LossStep)) + 1
    reads = [activation_reads(step) for step in train.steps[start:]]
    kept = {origin[value] for read in reads for value in read.values}
    asked = {origin[value] for read in reads for value in read.bits}
    return tuple(node.output for node in program.nodes if node.output in asked - kept)


def with_masks(train: TrainProgram, values: Collection[str]) -> TrainProgram:
    """`train` with the bits of each of `values` packed as soon as it is computed, and read from there.

    values: of `maskable(train)`; masks that are there stay. The same errors reach the same places, bit for bit.
    """
    masks = {value: mask for value, mask in _origins(train.program).items() if mask in values}
    steps: list[Step] = []
    for step in train.steps:
        match step:
            case ForwardStep(node) if node.output in values:
                steps += [step, PackMaskStep(node)]
            case PassErrorStep() | BackwardStep():
                steps.append(_packed(step, masks))
            case _:
                steps.append(step)
    return replace(train, steps=tuple(steps))


def _packed(step: PassErrorStep | BackwardStep, masks: dict[str, str]) -> Step:
    """`step` with the masks, value → mask, of what it reads a bit of."""
    bits = activation_reads(step).bits
    above, below = (masks.get(value) if value in bits else None for value in (step.node.input, step.node.output))
    if isinstance(step, PassErrorStep):
        return replace(step, packed=below or step.packed)
    return replace(step, packed_input=above or step.packed_input, packed_output=below or step.packed_output)


def _origins(program: Program) -> dict[str, str]:
    """Value → the value whose elements it has: itself, or what the reshapes before it began with."""
    origin = {name: name for name in program.values}
    for node in program.nodes:
        if isinstance(node.op, Reshape):
            origin[node.output] = origin[node.input]
    return origin
