"""Pickles that may hold arrays and plain values, and nothing that runs: for the batches of CIFAR."""

import io
import pickle
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

# Where each name leads. NumPy 1 and 2 name the same function by two paths; nothing else is looked up.
_RECONSTRUCT: Callable[..., Any] = np.ndarray(0).__reduce__()[0]  # type: ignore[assignment]
ADMITTED: Mapping[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no file of arrays needs")
        return ADMITTED[module, name]


def unpickled(content: bytes) -> Any:
    """The value, text of Python 2 as bytes. Raises pickle.UnpicklingError for one that asks for anything else."""
    return _ArraysOnly(io.BytesIO(content), encoding="bytes").load()
