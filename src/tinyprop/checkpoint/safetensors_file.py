"""Checkpoints as safetensors: weights under the keys of a state_dict, so that PyTorch loads what a device learned."""

import base64
import binascii
from collections.abc import Mapping
from types import ModuleType

import msgspec
import numpy as np

from tinyprop.checkpoint.format import Checkpoint
from tinyprop.checkpoint.values import StateValues, checkpoint_of, named_residuals, named_values, values_of
from tinyprop.codegen.state import StateLayout, frozen_crc32
from tinyprop.errors import UserError

# Metadata, base64 of little-endian bytes: as arrays among the weights they would be unexpected keys to load_state_dict.
VELOCITIES, RESIDUALS, MEMORIES, EXTRA = "velocities", "residuals", "memories", "extra"


def to_safetensors(checkpoint: Checkpoint, layout: StateLayout) -> bytes:
    """The weights that learn, by name. Velocities and residuals (in the order of the checkpoint), what the rules
    remember, the extra bytes, sequence, steps and identity are metadata. Raises UserError where the checkpoint is
    another program's, or safetensors is missing."""
    library = _library()
    values = values_of(checkpoint, layout)
    head = {
        "program": layout.name,
        "identity": f"{checkpoint.identity:08x}",
        "sequence": str(checkpoint.sequence),
        "steps": str(checkpoint.steps),
        MEMORIES: _text(values.memories.astype("<u4").tobytes()),
        EXTRA: _text(checkpoint.extra),
    }
    if layout.momentum:
        floats = checkpoint.state[layout.parameters : 2 * layout.parameters]
        head[VELOCITIES] = _text(floats.astype("<u4").tobytes())
    if layout.residuals:
        floats = checkpoint.state[layout.parameters + layout.moving : layout.floats]
        head[RESIDUALS] = _text(floats.astype("<u4").tobytes())
    saved: bytes = library.numpy.save(dict(values.weights), metadata=head)
    return saved


def from_safetensors(content: bytes, layout: StateLayout, name: str = "this") -> Checkpoint:
    """The checkpoint that holds these weights; what the device keeps beside them is zero where metadata has it not.

    Frozen weights may be among them, as in a whole state_dict, if they are the program's. Raises UserError otherwise,
    for arrays that do not fit, and for those that the program does not know.
    """
    arrays, head = _read(content, name)
    weights = {tensor.name: arrays.pop(tensor.name) for tensor in layout.tensors if tensor.name in arrays}
    _require_frozen(arrays, layout, name)
    moving = _words(head, VELOCITIES, layout.moving, name).view(np.float32)
    velocities = named_values(moving, layout.tensors) if moving.size else {}
    left = named_residuals(_words(head, RESIDUALS, sum(layout.residuals.values()), name).view(np.float32), layout)
    values = StateValues(weights, velocities, _words(head, MEMORIES, len(layout.memories), name), left)
    sequence, steps = (_count(head, key, default, name) for key, default in (("sequence", 1), ("steps", 0)))
    extra = _bytes(head, EXTRA, name)
    return checkpoint_of(values, layout, sequence=sequence, steps=steps, extra=extra)


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


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _bytes(head: Mapping[str, str], key: str, name: str) -> bytes:
    try:
        return base64.b64decode(head.get(key, ""), validate=True)
    except binascii.Error as error:
        raise UserError(f"the {key} in {name} are no base64 ({error}): convert the checkpoint again.") from error


def _words(head: Mapping[str, str], key: str, count: int, name: str) -> np.ndarray:
    """So many words (count,) uint32; zeros where metadata has none. Raises UserError where it has another number."""
    content = _bytes(head, key, name) if count else b""
    if content and len(content) != 4 * count:
        raise UserError(
            f"{name} has {len(content)} bytes of {key}, the program {4 * count}: convert the checkpoint again."
        )
    return np.frombuffer(content or bytes(4 * count), "<u4").astype(np.uint32)


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
