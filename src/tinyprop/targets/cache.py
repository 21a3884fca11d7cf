"""Where compiled things are kept between runs."""

import os
from pathlib import Path

from tinyprop.errors import UserError


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/tinyprop`, by default `~/.cache/tinyprop`; made when missing.

    Raises UserError when it cannot be written.
    """
    base = os.environ.get("XDG_CACHE_HOME")
    folder = (Path(base) if base else Path.home() / ".cache") / "tinyprop"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"the cache folder {folder} cannot be made ({error.strerror}): set XDG_CACHE_HOME to a writable folder."
        ) from error
    return folder
