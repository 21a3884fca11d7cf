"""A scenario that is in a file of the user's."""

import importlib.util
import sys
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from tinyprop.errors import TinypropError, UserError

Card = TypeVar("Card")
NAME = "SCENARIO"


def own_scenario(file: str, kind: type[Card]) -> Card:
    """What the Python file calls SCENARIO, a `kind`; the file is run once in a process, and may import its neighbours.

    Raises UserError where there is no such file, where it raises something, and where it has no such thing.
    """
    found = _run(Path(file).resolve()).get(NAME)
    if not isinstance(found, kind):
        raise UserError(f"'{file}' sets no {NAME} = {kind.__name__}(…): docs/adding/scenario.md shows one.")
    return found


@cache
def _run(path: Path) -> dict[str, Any]:
    spec = importlib.util.spec_from_file_location(f"scenario_{path.stem}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise UserError(f"there is no scenario file '{path}': name a .py file that sets {NAME}.")
    module = importlib.util.module_from_spec(spec)
    sys.path.append(str(path.parent))  # for good: what it defines may import as it is called
    try:
        spec.loader.exec_module(module)
    except TinypropError:
        raise
    except Exception as error:
        raise UserError(f"'{path}' cannot be run ({type(error).__name__}: {error}): mend it.") from error
    return vars(module)
