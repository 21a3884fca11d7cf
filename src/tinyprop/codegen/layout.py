"""Parameters between PyTorch's layout and the engine's, and the hash that identifies a set of weights.

The engine keeps a dense weight [input][output]: one row per input, so that a zero input skips a whole row.
"""

import hashlib
from collections.abc import Collection, Mapping

import numpy as np

from tinyprop.errors import UserError
from tinyprop.ir.graph import Program, frozen_array
from tinyprop.ir.ops.dense import Dense


def to_engine(
    program: Program, parameters: Mapping[str, np.ndarray], names: Collection[str] | None = None
) -> np.ndarray:
    """The parameters `names` (None: all) one behind the other as the engine stores them, (P,) float32."""
    transposed = _dense_weights(program)
    chosen = program.parameters if names is None else names
    parts = [np.asarray(parameters[n], np.float32) for n in chosen]
    laid_out = [(a.T if n in transposed else a).ravel() for n, a in zip(chosen, parts, strict=True)]
    return np.concatenate([np.empty(0, np.float32), *laid_out])


def from_engine(program: Program, values: np.ndarray, names: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """The inverse of `to_engine`: name → array in PyTorch's layout."""
    transposed = _dense_weights(program)
    result, start = {}, 0
    for name in program.parameters if names is None else names:
        like = program.parameters[name]
        part = values[start : start + like.size]
        shape = like.shape[::-1] if name in transposed else like.shape
        result[name] = frozen_array(part.reshape(shape).T if name in transposed else part.reshape(shape))
        start += like.size
    if start != values.size:
        raise UserError(
            f"{values.size} parameters were given for '{program.name}', which takes {start}: pass them all."
        )
    return result


def weight_hash(parameters: Mapping[str, np.ndarray]) -> str:
    """SHA-256 over all parameters in PyTorch's layout, float32 little-endian, in program order."""
    digest = hashlib.sha256()
    for array in parameters.values():
        digest.update(np.ascontiguousarray(array, dtype="<f4").tobytes())
    return digest.hexdigest()


def _dense_weights(program: Program) -> set[str]:
    return {node.parameters[0] for node in program.layers if isinstance(node.op, Dense)}
