"""Comparisons whose runs no store holds any more: their rows, as `tinyprop compare --json` wrote them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tinyprop.bench.compare.cell import Cell
from tinyprop.bench.compare.config import CompareConfig, checked
from tinyprop.bench.compare.summary import SummaryRow
from tinyprop.errors import UserError


@dataclass(frozen=True)
class Earlier:
    """name: of the file; cells: what its configuration asked for; provenance: what its runs were made with."""

    name: str
    rows: tuple[SummaryRow, ...]
    cells: tuple[Cell, ...]
    provenance: tuple[Mapping[str, str], ...]


class _File(msgspec.Struct, frozen=True):
    rows: tuple[SummaryRow, ...]
    config: CompareConfig
    provenance: tuple[dict[str, str], ...]


def read_earlier(path: Path) -> Earlier:
    """Raises UserError where there is no such file, or it is another one."""
    try:
        content = msgspec.json.decode(path.read_bytes(), type=_File)
    except (OSError, msgspec.MsgspecError) as error:
        raise UserError(
            f"'{path}' cannot be read as rows of a comparison ({error}): name a file of `tinyprop compare --json`."
        ) from error
    return Earlier(path.name, content.rows, checked(content.config).cells(), content.provenance)
