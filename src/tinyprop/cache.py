"""Where downloaded and compiled things are kept between runs."""

import os
import sys
from pathlib import Path

from tinyprop.errors import UserError

VARIABLE = "TINYPROP_CACHE"


def cache_path() -> Path:
    """The folder that TINYPROP_CACHE names; else `tinyprop` in XDG_CACHE_HOME or where the platform keeps caches."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else _platform_caches()) / "tinyprop"


def cache_folder() -> Path:
    """`cache_path()`, made when missing. Raises UserError when it cannot be made."""
    folder = cache_path()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"the cache folder {folder} cannot be made ({error.strerror}): set XDG_CACHE_HOME or {VARIABLE} to a "
            "writable folder."
        ) from error
    return folder


def _platform_caches() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32" and "LOCALAPPDATA" in os.environ:
        return Path(os.environ["LOCALAPPDATA"])
    return Path.home() / ".cache"
