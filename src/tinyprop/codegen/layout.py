"""Parameters between PyTorch's layout and the engine's, and the hash that identifies a set of weights.

The engine keeps a dense weight [input][output]: one row per input, so that a zero input skips a whole row; and in the
place of a batch norm's variance what it is needed for, 1 / √(variance + eps).
"""

import hashlib
from collections.abc import Collection, Mapping

import numpy as np

from tinyprop.errors import UserError
from tinyprop.ir.graph import Program, frozen_array
from tinyprop.ir.ops.dense import Dense
from tinyprop.ir.ops.scale_shift import ScaleShift


def to_engine(
    program: Program, parameters: Mapping[str, np.ndarray], names: Collection[str] | None = None
) -> np.ndarray:
    """The parameters `names` (None: all) one behind the other as the engine stores them, (P,) float32."""
    transposed, variances = dense_weights(program), _variances(program)
    laid_out = [np.empty(0, np.float32)]
    for name in program.parameters if names is None else names:
        array = np.asarray(parameters[name], np.float32)
        if name in variances:
            array = variances[name].inverse_deviation(array)
        laid_out.append((array.T if name in transposed else array).ravel())
    return np.concatenate(laid_out)


def from_engine(program: Program, values: np.ndarray, names: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """The inverse of `to_engine`: name → array in PyTorch's layout. Variances, which never train, are the program's."""
    transposed, variances = dense_weights(program), _variances(program)
    result, start = {}, 0
    for name in program.parameters if names is None else names:
        like = program.parameters[name]
        part = values[start : start + like.size]
        shape = like.shape[::-1] if name in transposed else like.shape
        array = part.reshape(shape).T if name in transposed else part.reshape(shape)
        result[name] = like if name in variances else frozen_array(array)
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


def dense_weights(program: Program) -> set[str]:
    """Names of the weights that the engine stores the other way round."""
    return {node.parameters[0] for node in program.layers if isinstance(node.op, Dense)}


def _variances(program: Program) -> dict[str, ScaleShift]:
    return {node.parameters[-1]: node.op for node in program.layers if isinstance(node.op, ScaleShift)}
