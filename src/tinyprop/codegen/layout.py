"""Parameters between PyTorch's layout and the engine's, and the hash that identifies a set of weights.

The engine keeps a dense weight [input][output]: one row per input, so that a zero input skips a whole row.
"""

import hashlib
from collections.abc import Mapping

import numpy as np

from tinyprop.errors import UserError
from tinyprop.ir.graph import Program, frozen_array
from tinyprop.ir.ops.dense import Dense


def to_engine(program: Program, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
    """All parameters in program order as the engine stores them, (P,) float32."""
    transposed = _dense_weights(program)
    parts = [np.asarray(parameters[n], np.float32) for n in program.parameters]
    return np.concatenate(
        [(a.T if n in transposed else a).ravel() for n, a in zip(program.parameters, parts, strict=True)]
    )


def from_engine(program: Program, values: np.ndarray) -> dict[str, np.ndarray]:
    """The inverse of `to_engine`: name → array in PyTorch's layout."""
    transposed = _dense_weights(program)
    result, start = {}, 0
    for name, like in program.parameters.items():
        part = values[start : start + like.size]
        shape = like.shape[::-1] if name in transposed else like.shape
        result[name] = frozen_array(part.reshape(shape).T if name in transposed else part.reshape(shape))
        start += like.size
    if start != values.size:
        raise UserError(f"{values.size} parameters were given for '{program.name}', which has {start}: pass them all.")
    return result


def weight_hash(parameters: Mapping[str, np.ndarray]) -> str:
    """SHA-256 over all parameters in PyTorch's layout, float32 little-endian, in program order."""
    digest = hashlib.sha256()
    for array in parameters.values():
        digest.update(np.ascontiguousarray(array, dtype="<f4").tobytes())
    return digest.hexdigest()


def _dense_weights(program: Program) -> set[str]:
    return {node.parameters[0] for node in program.layers if isinstance(node.op, Dense)}
