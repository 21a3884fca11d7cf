"""Which runs of a store are reported: those that configurations name, or all of them if they are one comparison."""

from collections import defaultdict
from collections.abc import Sequence

from tinyprop.bench.compare.cell import Cell
from tinyprop.bench.compare.scenarios import SCENARIOS
from tinyprop.bench.compare.store import Row
from tinyprop.bench.compare.summary import DENSE, ZEROS_SKIPPED
from tinyprop.errors import UserError
from tinyprop.methods import METHODS

_OF_A_CASE = ("pretrain_epochs", "field_epochs", "checkpoints")  # one value for all runs of a scenario with a network
_OF_A_VARIANT = ("trains", "rate")  # one value for all seeds of a variant there
_SAID = {
    "pretrain_epochs": "lengths of pretraining",
    "field_epochs": "lengths of learning",
    "checkpoints": "numbers of checkpoints",
    "trains": "settings",
    "rate": "learning rates",
}


def cells_of(rows: Sequence[Row]) -> tuple[Cell, ...]:
    """The cells of `rows`, in the order in which a reader wants them: full training first, then methods as listed."""
    return tuple(sorted((row.cell for row in rows), key=_place))


def one_comparison(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """`cells`, if they can be shown side by side: each name stands for one thing in each scenario and network.

    Raises UserError for a scenario that is not known, and where runs that differ bear one name.
    """
    for cell in cells:
        if cell.scenario not in SCENARIOS:
            raise UserError(
                f"the store holds runs of scenario '{cell.scenario}', which this tinyprop does not know: update it, or "
                "name with --config the runs to report."
            )
    for fields, words in ((_OF_A_CASE, 2), (_OF_A_VARIANT, 3)):
        for field in fields:
            _require_one(cells, field, words)
    return tuple({(cell.key, cell.variant): cell for cell in cells}.values())


def _require_one(cells: Sequence[Cell], field: str, words: int) -> None:
    """One value of `field` for all cells of which the first `words` of scenario, network and variant are the same."""
    found: defaultdict[tuple[str, ...], dict[str, object]] = defaultdict(dict)
    for cell in cells:
        value = getattr(cell, field)
        found[(cell.scenario, cell.model, cell.variant)[:words]][repr(value)] = value
    for name, values in found.items():
        if len(values) > 1:
            raise UserError(
                f"the store holds runs of {' · '.join(name)} with several {_SAID[field]}: name with --config the "
                "configuration to report."
            )


def _place(cell: Cell) -> tuple[object, ...]:
    scenarios, methods, first = list(SCENARIOS), list(METHODS), (DENSE, ZEROS_SKIPPED)
    return (
        scenarios.index(cell.scenario) if cell.scenario in scenarios else len(scenarios),
        cell.scenario,
        cell.model,
        first.index(cell.variant) if cell.variant in first else len(first),
        methods.index(cell.trains.method) if cell.trains.method in methods else len(methods),
        cell.trains.trainable or "",
        cell.variant != cell.trains.method,
        cell.variant,
        cell.seed,
    )
