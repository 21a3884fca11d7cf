"""Compressed images to arrays, by Pillow."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np

from tinyprop.data.extra import required
from tinyprop.errors import UserError

SIDES = range(4, 1025)


def require_side(side: int) -> None:
    """Raises UserError unless `side` is a number of pixels that images can be brought to."""
    if not isinstance(side, int) or side not in SIDES:
        raise UserError(f"side is {side!r}: images have {SIDES.start} to {SIDES.stop - 1} pixels a side.")


def decoded(file: bytes, side: int | None = None, *, grey: bool = False) -> np.ndarray:
    """uint8 (H, W, 3), or (H, W, 1) when `grey`. side: the shorter side is brought to it (Lanczos), the middle cut out.

    Raises ValueError for what is no image, or a damaged one.
    """
    pillow: Any = required("PIL.Image", "Pillow", "reading images")
    try:
        with pillow.open(BytesIO(file)) as image:
            flat = image.convert("L" if grey else "RGB")
            if side is not None and flat.size != (side, side):
                flat = _fitted(flat, side, pillow)
            pixels = np.asarray(flat)
    # Pillow's own errors for damaged files are of many kinds, SyntaxError among them.
    except (pillow.DecompressionBombError, OSError, SyntaxError, ValueError, TypeError, IndexError) as error:
        raise ValueError(f"cannot be decoded ({error})") from error
    return pixels[..., None] if grey else pixels


def signed(images: np.ndarray) -> np.ndarray:
    """float32 (N, C, H, W) in −1 … 1 from uint8 of the same shape."""
    x = images.astype(np.float32)
    x /= np.float32(127.5)
    x -= np.float32(1)
    return x


def channels_first(images: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    """(N, C, H, W) from images (H, W, C), which have one shape."""
    return np.ascontiguousarray(np.asarray(images).transpose(0, 3, 1, 2))


def _fitted(image: Any, side: int, pillow: Any) -> Any:
    shorter = min(image.size)
    width, height = (max(side, round(length * side / shorter)) for length in image.size)
    left, top = (width - side) // 2, (height - side) // 2
    return image.resize((width, height), pillow.Resampling.LANCZOS).crop((left, top, left + side, top + side))
