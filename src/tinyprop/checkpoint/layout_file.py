"""The layout of a program's state as a file, NAME_state.json of an exported project: what reads a checkpoint needs."""

from pathlib import Path

import msgspec

from tinyprop.codegen.state import StateLayout
from tinyprop.errors import UserError


def read_layout(path: Path) -> StateLayout:
    """The layout in the file at `path`. Raises UserError where there is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=StateLayout)
    except OSError as error:
        there = ", ".join(sorted(one.name for one in path.parent.glob("*_state.json")))
        raise UserError(
            f"'{path}' cannot be read ({error.strerror}): name the _state.json of an exported project"
            f"{f', here {there}' if there else ''}."
        ) from error
    except msgspec.DecodeError as error:
        raise UserError(
            f"'{path}' is no state of a program ({error}): name the _state.json of an exported project."
        ) from error
