"""Samples and truths that a user wrote into a .npz file."""

import zipfile
from pathlib import Path

import numpy as np

from tinyprop.errors import UserError


def npz_arrays(path: Path, samples: str, truths: str | None) -> tuple[np.ndarray, np.ndarray | None]:
    """x and, where it is there or demanded, y of a .npz file. Raises UserError."""
    if path.exists() and not zipfile.is_zipfile(path):
        raise UserError(f"'{path}' is no .npz file: write it with numpy.savez(path, x=x, y=y).")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError) as error:
        raise UserError(f"'{path}' cannot be read ({error}): write it with numpy.savez(path, x=x, y=y).") from error
    missing = [name for name in (samples, truths) if name is not None and name not in arrays]
    if missing:
        raise UserError(
            f"'{path}' has no array called {' and none called '.join(missing)}: numpy.savez(path, x=x, y=y)."
        )
    if not len(arrays[samples]):
        raise UserError(f"'{path}' holds no sample.")
    return arrays[samples], arrays.get("y")
