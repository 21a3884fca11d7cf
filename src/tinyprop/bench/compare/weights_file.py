"""Weights as the bytes of an .npz file, and back."""

from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from tinyprop.errors import UserError


def weights_file(weights: dict[str, np.ndarray]) -> bytes:
    """The file's content."""
    stream = BytesIO()
    np.savez(stream, allow_pickle=False, **weights)
    return stream.getvalue()


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """name → array. Raises UserError when the file is damaged."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (BadZipFile, OSError, ValueError) as error:
        raise UserError(f"'{path}' is damaged ({error}): delete it, it will be made again.") from error
