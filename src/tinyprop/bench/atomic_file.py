"""Files that are there whole or not at all."""

import secrets
import tempfile
from pathlib import Path

from tinyprop.errors import UserError


def require_writable(path: Path) -> None:
    """Makes the folder of `path` and tries it: before a long run, not after. Raises UserError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise UserError(f"'{path}' cannot be written ({error.strerror}): name a file in a folder of yours.") from error


def write_whole(path: Path, content: bytes) -> None:
    """Writes `content` beside `path` and then moves it there; makes the folder. Raises UserError where it cannot."""
    require_writable(path)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with unfinished.open("xb") as file:  # not mkstemp, whose files nobody else may read
            file.write(content)
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise UserError(f"'{path}' was not written ({error.strerror}); what was there before still is.") from error
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
