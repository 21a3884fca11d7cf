"""Timing: what each instruction of a core costs, read from one .toml file per core; every line there has its source."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from tinyprop.errors import UserError, unknown_name

FOLDER = Path(__file__).parent


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the instructions `names` cost: `cycles` + `per_word` for each word that a register list moves.

    names: Capstone's, with " indexed" behind those that add an index register to an address, and " pc" behind those
    that are no branches by name and write the program counter all the same.
    taken: in place of `cycles`, when the instruction behind it in memory is not the next one. group: for hazards.
    """

    group: str
    names: tuple[str, ...]
    cycles: int
    source: str
    per_word: int = 0
    taken: int | None = None


class Hazard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an instruction of the groups `before` costs more (less) right behind one of the groups `after`.

    before: () for any. when: the later one needs a result of the earlier one for its address · does not ·
    needs it as an operand, other than as the addend of a multiply-accumulate.
    """

    after: tuple[str, ...]
    before: tuple[str, ...]
    when: Literal["address", "not address", "operand"]
    cycles: int
    source: str


class Timing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A core. title: its name; document: the source of its figures; assumptions: what is taken where it leaves open."""

    title: str
    document: str
    assumptions: tuple[str, ...]
    rule: tuple[Rule, ...]
    hazard: tuple[Hazard, ...] = ()

    def rules(self) -> dict[str, Rule]:
        """By the name of the instruction."""
        return {name: rule for rule in self.rule for name in rule.names}


def timing_names() -> tuple[str, ...]:
    """Cores that have a table, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


@cache
def load_timing(name: str) -> Timing:
    """The table of that name. Raises UserError when there is none."""
    if name not in timing_names():
        raise unknown_name("timing", name, timing_names())
    try:
        return msgspec.convert(tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8")), Timing)
    except msgspec.ValidationError as error:
        raise UserError(f"timing table {name}.toml: {error}.") from error
