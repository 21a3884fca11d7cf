"""The words of a checkpoint as what they are: weights and velocities by name, and what each rule remembers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tinyprop.checkpoint.format import Checkpoint
from tinyprop.codegen.state import StateLayout, StateTensor
from tinyprop.errors import UserError

INTEGER_MEMORIES = ("drawn",)  # the others are float32


@dataclass(frozen=True)
class StateValues:
    """weights, velocities: name → float32 array in PyTorch's layout; no velocities without momentum. residuals: layer →
    float32 (entries,), what its rule has left of errors, one for each stored entry of δ. memories (M,)
    uint32: the bits of what the rule that skips and the rule of each layer remember."""

    weights: Mapping[str, np.ndarray]
    velocities: Mapping[str, np.ndarray]
    memories: np.ndarray
    residuals: Mapping[str, np.ndarray] = field(default_factory=dict)

    def memory(self, number: int, layout: StateLayout) -> float | int:
        """What rule `number` remembers, as the number it is; 0 is the rule that skips."""
        word = self.memories[number : number + 1]
        return int(word[0]) if layout.memories[number] in INTEGER_MEMORIES else float(word.view(np.float32)[0])


def values_of(checkpoint: Checkpoint, layout: StateLayout) -> StateValues:
    """What the words of `checkpoint` are. Raises UserError where it belongs to another program."""
    require_same_program(checkpoint, layout)
    floats = checkpoint.state[: layout.floats].view(np.float32)
    weights = named_values(floats[: layout.parameters], layout.tensors)
    velocities = named_values(floats[layout.parameters :], layout.tensors) if layout.momentum else {}
    residuals = named_residuals(floats[layout.parameters + layout.moving :], layout)
    return StateValues(weights, velocities, checkpoint.state[layout.floats :], residuals)


def checkpoint_of(
    values: StateValues,
    layout: StateLayout,
    *,
    sequence: int = 1,
    steps: int = 0,
    extra: bytes = b"",
) -> Checkpoint:
    """The inverse of `values_of`; without any velocities, or any residuals, these are zero.

    Raises UserError that lists every array that is missing or does not fit.
    """
    at_rest = {tensor.name: np.zeros(tensor.shape, np.float32) for tensor in layout.tensors}
    momentum = ((values.velocities or at_rest, "velocity of "),) if layout.momentum else ()
    blocks = [_flat(arrays, layout.tensors, what) for arrays, what in ((values.weights, "weight "), *momentum)]
    blocks.append(_flat_residuals(values.residuals, layout))
    memories = np.asarray(values.memories, np.uint32)
    if memories.shape != (len(layout.memories),):
        raise UserError(f"memories have shape {memories.shape}, '{layout.name}' has ({len(layout.memories)},).")
    state = np.concatenate([*(block.view(np.uint32) for block in blocks), memories])
    state.setflags(write=False)
    return Checkpoint(sequence, layout.identity, steps, state, extra)


def require_same_program(checkpoint: Checkpoint, layout: StateLayout) -> None:
    """Raises UserError unless `checkpoint` was saved by a program with this layout."""
    if checkpoint.identity != layout.identity or checkpoint.state.size != layout.words:
        raise UserError(
            f"the checkpoint has {checkpoint.state.size} words of program {checkpoint.identity:08x}, '{layout.name}' "
            f"is {layout.identity:08x} with {layout.words}: take the _state.json that was exported with its firmware."
        )


def named_values(values: np.ndarray, tensors: tuple[StateTensor, ...]) -> dict[str, np.ndarray]:
    """values (P,) of all tensors, one behind the other as the device has them, by name and in PyTorch's layout."""
    named, start = {}, 0
    for tensor in tensors:
        part = values[start : start + tensor.words]
        array = part.reshape(tensor.shape[::-1]).T if tensor.transposed else part.reshape(tensor.shape)
        named[tensor.name] = np.ascontiguousarray(array)
        start += tensor.words
    return named


def named_residuals(values: np.ndarray, layout: StateLayout) -> dict[str, np.ndarray]:
    """values (R,) of all layers that have any, one behind the other, by layer."""
    ends = np.cumsum([*layout.residuals.values()], dtype=np.int64)
    return {
        name: np.array(values[end - count : end])
        for (name, count), end in zip(layout.residuals.items(), ends, strict=True)
    }


def _flat_residuals(residuals: Mapping[str, np.ndarray], layout: StateLayout) -> np.ndarray:
    """The reverse, (R,) float32; zeros where `residuals` names no layer."""
    given = residuals or {name: np.zeros(count, np.float32) for name, count in layout.residuals.items()}
    shapes = {name: np.shape(array) for name, array in given.items()}
    if shapes != {name: (count,) for name, count in layout.residuals.items()}:
        raise UserError(
            f"residuals have the shapes {shapes}, '{layout.name}' has entries {dict(layout.residuals)}: give those of "
            f"each layer, or none."
        )
    flat = np.concatenate([np.empty(0, np.float32), *(np.asarray(given[n], np.float32) for n in layout.residuals)])
    if not np.isfinite(flat).all():
        raise UserError("a residual is NaN or infinite: no device loads that.")
    return flat


def _flat(arrays: Mapping[str, np.ndarray], tensors: tuple[StateTensor, ...], what: str) -> np.ndarray:
    """All one behind the other as the device has them, (P,) float32, without any -0."""
    wrong = [f"{what}{t.name} is missing" for t in tensors if t.name not in arrays]
    wrong += [
        f"{what}{t.name} is of shape {arrays[t.name].shape}"
        for t in tensors
        if t.name in arrays and arrays[t.name].shape != t.shape
    ]
    if wrong:
        raise UserError(f"this is no state of the program: {'; '.join(wrong)}. Give all that learns, as it is saved.")
    parts = [np.asarray(arrays[t.name], np.float32) for t in tensors]
    flat = [(part.T if t.transposed else part).ravel() for part, t in zip(parts, tensors, strict=True)]
    values = np.concatenate([np.empty(0, np.float32), *flat])
    if not np.isfinite(values).all():
        raise UserError(f"a {what.split()[0]} is NaN or infinite: no device loads that.")
    return values + np.float32(0) if what == "weight " else values
