"""Checkpoints as safetensors: weights under the keys of a state_dict, so that PyTorch loads what a device learned."""

from collections.abc import Mapping
from types import ModuleType

import msgspec
import numpy as np

from tinyprop.checkpoint.format import Checkpoint
from tinyprop.checkpoint.values import StateValues, checkpoint_of, values_of
from tinyprop.codegen.state import StateLayout, frozen_crc32
from tinyprop.errors import UserError

VELOCITY, MEMORIES, EXTRA = "velocity.", "tinyprop.memories", "tinyprop.extra"


def to_safetensors(checkpoint: Checkpoint, layout: StateLayout) -> bytes:
    """Weights by name, velocities as `velocity.<name>`, what the rules remember, the extra bytes; sequence, steps and
    identity are metadata. Raises UserError where the checkpoint is another program's, or safetensors is missing."""
    library = _library()
    values = values_of(checkpoint, layout)
    arrays = dict(values.weights)
    arrays |= {VELOCITY + name: array for name, array in values.velocities.items()}
    arrays[MEMORIES] = np.ascontiguousarray(values.memories)
    if checkpoint.extra:
        arrays[EXTRA] = np.frombuffer(checkpoint.extra, np.uint8)
    head = {
        "program": layout.name,
        "sequence": checkpoint.sequence,
        "steps": checkpoint.steps,
        "identity": f"{checkpoint.identity:08x}",
    }
    saved: bytes = library.numpy.save(arrays, metadata={key: str(value) for key, value in head.items()})
    return saved


def from_safetensors(content: bytes, layout: StateLayout, name: str = "this") -> Checkpoint:
    """The checkpoint that holds these arrays; what the device keeps beside its weights is zero where it is not given.

    Frozen weights may be among them, as in a whole state_dict, if they are the program's. Raises UserError otherwise,
    for arrays that do not fit, and for those that the program does not know.
    """
    arrays, head = _read(content, name)
    memories = arrays.pop(MEMORIES, np.zeros(len(layout.memories), np.uint32))
    extra = arrays.pop(EXTRA, np.empty(0, np.uint8)).tobytes()
    weights = {tensor.name: arrays.pop(tensor.name) for tensor in layout.tensors if tensor.name in arrays}
    velocities = {}
    if layout.momentum:
        for tensor in layout.tensors:
            at_rest = np.zeros(tensor.shape, np.float32)
            velocities[tensor.name] = arrays.pop(VELOCITY + tensor.name, at_rest)
    _require_frozen(arrays, layout, name)
    sequence, steps = (_count(head, key, default, name) for key, default in (("sequence", 1), ("steps", 0)))
    return checkpoint_of(
        StateValues(weights, velocities, memories), layout, sequence=sequence, steps=steps, extra=extra
    )


def _require_frozen(arrays: Mapping[str, np.ndarray], layout: StateLayout, name: str) -> None:
    """Raises UserError unless all that is left of the file are frozen weights of the program, as they are."""
    if unknown := sorted(set(arrays) - set(layout.frozen)):
        raise UserError(f"{name} holds {', '.join(unknown)}, which '{layout.name}' does not have: leave them out.")
    if different := [n for n, array in arrays.items() if frozen_crc32(array) != layout.frozen[n]]:
        raise UserError(
            f"{', '.join(different)} of {name} differ from the frozen weights in the firmware of '{layout.name}', "
            f"which no checkpoint changes: leave them out, or export the program with them."
        )


def _read(content: bytes, name: str) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Arrays and metadata of a safetensors file, whose header is JSON behind eight bytes of its length."""
    library = _library()
    try:
        arrays = library.numpy.load(content)
    except library.SafetensorError as error:
        raise UserError(f"{name} cannot be read as safetensors ({error}).") from error
    head = msgspec.json.decode(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return dict(arrays), dict(head.get("__metadata__") or {})


def _count(head: Mapping[str, str], key: str, default: int, name: str) -> int:
    text = head.get(key, str(default))
    if not text.isdecimal():
        raise UserError(f"{name} says {key} {text!r}, which is no count: write a whole number of 0 or more.")
    return int(text)


def _library() -> ModuleType:
    try:
        import safetensors
        import safetensors.numpy
    except ImportError as error:
        raise UserError("the library safetensors is not installed: run pip install 'tinyprop[device]'.") from error
    return safetensors
