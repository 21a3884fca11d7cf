"""From rows of a store to the records of the report."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from statistics import fmean

import msgspec
import numpy as np

from tinyprop.bench.compare.cell import Cell, Outcome, Variant
from tinyprop.bench.compare.count import Count
from tinyprop.bench.compare.provenance import DISTRIBUTIONS
from tinyprop.bench.compare.scenarios import SCENARIOS
from tinyprop.bench.compare.store import Row
from tinyprop.bench.compare.summary import DENSE, Outcomes, SummaryRow, grouped, summary
from tinyprop.bench.interval import half_interval
from tinyprop.bench.report.comparison.earlier import Earlier
from tinyprop.bench.report.comparison.records import (
    Case,
    Compared,
    ComparisonReport,
    Curve,
    DataLabel,
    InShort,
    KeptOverTime,
)
from tinyprop.bench.report.comparison.stated import beside
from tinyprop.data import DATA_SETS
from tinyprop.errors import UserError
from tinyprop.targets import load_board

TITLE = "Learning on the device: methods compared"
LAST_LAYER = Variant("full", {}, "last_layer")  # what full training must beat for a scenario to tell methods apart
_MOST = 3  # of the hashes of a scenario's data are shown: it may have others for each seed
_HASH = 12  # letters of a SHA-256 that are shown


def report_of(
    rows: Sequence[Row], cells: Sequence[Cell], counts: Sequence[Count] = (), earlier: Sequence[Earlier] = ()
) -> ComparisonReport:
    """The whole report, of those of `rows` that belong to `cells`; `cells` as `one_comparison` gives them.

    counts: those of the board on which most of `cells` were counted are shown. earlier: cases that come without runs,
    and so without drawings. Raises UserError where one of these is among `cells` too.
    """
    wanted = {cell.key for cell in cells}
    rows = tuple(row for row in rows if row.cell.key in wanted)
    counted = Counter(one.board for one in counts if one.cell.key in wanted)
    board = counted.most_common(1)[0][0] if counted else None
    found = summary(rows, cells, tuple(one for one in counts if one.board == board))
    outcomes = grouped(rows, cells)
    names = dict.fromkeys((row.scenario, row.model) for row in found)
    cases = tuple(
        _case(
            tuple(row for row in found if (row.scenario, row.model) == name),
            {variant: by_seed for (*case, variant), by_seed in outcomes.items() if tuple(case) == name},
            tuple(cell for cell in cells if (cell.scenario, cell.model) == name),
        )
        for name in names
    )
    every_cell = (*cells, *chain.from_iterable(one.cells for one in earlier))
    every_row = (*found, *chain.from_iterable(one.rows for one in earlier))
    trains = {(cell.scenario, cell.model, cell.variant): cell.trains for cell in every_cell}
    codes = {one.code for one in counts if one.board == board and one.cell.key in wanted}
    return ComparisonReport(
        title=TITLE,
        cases=cases + tuple(chain.from_iterable(_earlier_cases(one, names) for one in earlier)),
        in_short=_in_short(every_row),
        compared=_compared(every_cell),
        beside=beside(every_row, trains),
        warnings=_warnings(rows, cells, codes) + tuple(map(_without_runs, earlier)),
        facts=_facts(rows, cells),
        provenance=_different([*(row.provenance for row in rows), *chain.from_iterable(e.provenance for e in earlier)]),
        config=_config(every_cell),
        board=None if board is None else _title(board),
    )


def _title(board: str) -> str:
    """Of a board; its name where the file that described it is elsewhere by now."""
    try:
        return load_board(board).title
    except UserError:
        return board


def data_label(name: str) -> DataLabel:
    """What is known of the data set that results are filed under; a store does not say which of its editions it was."""
    editions = [edition for loader in DATA_SETS.values() for edition in loader().editions() if edition.name == name]
    if not editions:
        return DataLabel(name, name)
    titles = dict.fromkeys(edition.title for edition in editions)
    stands_in_for = editions[0].stands_in_for
    return DataLabel(name, " or ".join(titles), DATA_SETS[stands_in_for].title if stands_in_for else None)


def _case(rows: tuple[SummaryRow, ...], outcomes: Mapping[str, Outcomes], cells: Sequence[Cell]) -> Case:
    every = [outcome for by_seed in outcomes.values() for outcome in by_seed.values()]
    cell = cells[0]
    card = SCENARIOS[cell.scenario]
    last_layer = {cell.variant for cell in cells if cell.trains == LAST_LAYER}
    return Case(
        scenario=cell.scenario,
        model=cell.model,
        data=data_label(card.dataset),
        what=card.summary,
        rows=rows,
        curves=tuple(_curve(name, tuple(by_seed.values())) for name, by_seed in outcomes.items()),
        layers=next((outcome.layers for outcome in every if outcome.layers), ()),
        kept=tuple(
            kept for name, by_seed in outcomes.items() if (kept := _kept(name, tuple(by_seed.values()))) is not None
        ),
        seeds=tuple(sorted({seed for by_seed in outcomes.values() for seed in by_seed})),
        field_epochs=cell.field_epochs,
        steps=round(fmean(outcome.curve[-1].steps for outcome in every)),
        over_last_layer=_over_last_layer(rows, last_layer),
    )


def _earlier_cases(earlier: Earlier, others: Collection[tuple[str, str]]) -> Iterator[Case]:
    for name in dict.fromkeys((row.scenario, row.model) for row in earlier.rows):
        if name in others:
            raise UserError(f"{' · '.join(name)} is in the store and in '{earlier.name}': leave out that file.")
        rows = tuple(row for row in earlier.rows if (row.scenario, row.model) == name)
        cell = next(cell for cell in earlier.cells if (cell.scenario, cell.model) == name)
        card = SCENARIOS[cell.scenario]
        last_layer = {cell.variant for cell in earlier.cells if cell.trains == LAST_LAYER}
        yield Case(
            scenario=cell.scenario,
            model=cell.model,
            data=data_label(card.dataset),
            what=card.summary,
            rows=rows,
            curves=(),
            layers=(),
            kept=(),
            seeds=tuple(range(max(row.seeds for row in rows))),
            field_epochs=cell.field_epochs,
            steps=None,
            over_last_layer=_over_last_layer(rows, last_layer),
        )


def _over_last_layer(rows: Sequence[SummaryRow], last_layer: Collection[str]) -> float | None:
    return next((-d for row in rows if row.method in last_layer and (d := row.difference_mean) is not None), None)


def _without_runs(earlier: Earlier) -> str:
    cases = ", ".join(dict.fromkeys(f"{row.scenario} · {row.model}" for row in earlier.rows))
    codes = " and ".join(dict.fromkeys(made.get("code", "unknown")[:_HASH] for made in earlier.provenance))
    return f"The rows of {cases} are those of {earlier.name}, whose runs are not in the store (code {codes})."


def _curve(variant: str, outcomes: Sequence[Outcome]) -> Curve:
    """Point by point. Seeds may differ in how many samples the field brings, and so in where a point lies: mean too."""
    points = min(len(outcome.curve) for outcome in outcomes)
    accuracy = np.array(
        [[o.accuracy_before, *(point.accuracy for point in o.curve[:points])] for o in outcomes]
    )  # (seeds, P)
    halves = [half_interval(column) for column in accuracy.T.tolist()]
    known = None if any(half is None for half in halves) else np.array(halves, dtype=np.float64)
    return Curve(variant, np.array([0.0, *_steps(outcomes, points)]), accuracy.mean(axis=0), known)


def _kept(variant: str, outcomes: Sequence[Outcome]) -> KeptOverTime | None:
    """None where nothing is selected: every layer keeps all of its error, or none of it, all the time."""
    points = min(len(outcome.curve) for outcome in outcomes)
    if not all(point.kept for outcome in outcomes for point in outcome.curve):
        return None
    share = np.array([[point.kept for point in outcome.curve[:points]] for outcome in outcomes]).mean(axis=0)
    if np.isin(share, (0.0, 1.0)).all():
        return None
    return KeptOverTime(variant, np.array(_steps(outcomes, points)), share)


def _steps(outcomes: Sequence[Outcome], points: int) -> list[float]:
    return [fmean(outcome.curve[point].steps for outcome in outcomes) for point in range(points)]


def _in_short(rows: Sequence[SummaryRow]) -> tuple[InShort, ...]:
    found: dict[str, list[SummaryRow]] = {}
    for row in rows:
        if row.difference_mean is not None:
            found.setdefault(row.method, []).append(row)
    of_full = {(row.scenario, row.model): row.instructions for row in rows if row.method == DENSE}
    return tuple(_over_cases(variant, of_it, of_full) for variant, of_it in found.items())


def _over_cases(variant: str, rows: Sequence[SummaryRow], of_full: Mapping[tuple[str, str], float | None]) -> InShort:
    points = [row.difference_mean for row in rows if row.difference_mean is not None]
    costs = [row.cost_to_accuracy for row in rows if row.cost_to_accuracy is not None]
    instructions = [
        row.instructions / full
        for row in rows
        if row.instructions is not None and (full := of_full[row.scenario, row.model]) is not None
    ]
    in_instructions = [cost for row in rows if (cost := row.instructions_to_accuracy) is not None]
    return InShort(
        variant=variant,
        cases=len(rows),
        points_mean=fmean(points),
        points_worst=min(points),
        effort_bwd=fmean(row.effort_bwd for row in rows),
        effort_bwd_worst=max(row.effort_bwd for row in rows),
        effort_total=fmean(row.effort_total for row in rows),
        cost=fmean(costs) if costs else None,
        cost_cases=len(costs),
        instructions=fmean(instructions) if instructions else None,
        cost_in_instructions=fmean(in_instructions) if in_instructions else None,
    )


def _compared(cells: Sequence[Cell]) -> tuple[Compared, ...]:
    """By name; a name that stands for several things in several scenarios is there as often."""
    found: dict[tuple[str, str], tuple[Cell, dict[str, float]]] = {}
    for cell in cells:
        _, rates = found.setdefault((cell.variant, repr(cell.trains)), (cell, {}))
        rates[cell.model] = cell.rate
    return tuple(Compared(cell.variant, cell.trains, rates) for cell, rates in found.values())


def _warnings(rows: Sequence[Row], cells: Sequence[Cell], counted_by: set[str]) -> tuple[str, ...]:
    """counted_by: hashes of the code that counted instructions."""
    found = []
    if len(rows) < len(wanted := {cell.key for cell in cells}):
        found.append(f"{len(wanted) - len(rows)} of the {len(wanted)} runs asked for are not in the store yet.")
    for (scenario, model), seeds in _seeds(rows, cells).items():
        if len(set(seeds.values())) > 1:
            found.append(f"The rows of {scenario} · {model} do not have the same seeds: compare “points against full”.")
    found += [
        f"Runs of {scenario} · {model} with the same seed started from different weights: “points against full” leaves "
        "out those that started otherwise than full training."
        for scenario, model in _mixed_starts(rows)
    ]
    codes = {row.provenance.get("code", "") for row in rows} | counted_by
    if len(codes) > 1:
        found.append(
            f"The rows come from {len(codes)} states of tinyprop's code: differences between them may be of the code. "
            "Which, stands under “How it was made”."
        )
    return tuple(found)


def _mixed_starts(rows: Sequence[Row]) -> tuple[tuple[str, str], ...]:
    """The (scenario, network) of which runs that should have started alike did not."""
    first = {row.cell.pretraining: row for row in reversed(rows)}
    mixed = (row for row in rows if not row.outcome.same_start(first[row.cell.pretraining].outcome))
    return tuple(dict.fromkeys((row.cell.scenario, row.cell.model) for row in mixed))


def _config(cells: Sequence[Cell]) -> str:
    """What holds for all runs of a scenario with a network, a line for each."""
    first = {(cell.scenario, cell.model): cell for cell in reversed(cells)}
    return "\n".join(
        f"{scenario} · {model}: pretrain_epochs = {cell.pretrain_epochs}, field_epochs = {cell.field_epochs}, "
        f"checkpoints = {cell.checkpoints}"
        for (scenario, model), cell in reversed(first.items())
    )


def _seeds(rows: Sequence[Row], cells: Sequence[Cell]) -> Mapping[tuple[str, str], Mapping[str, frozenset[int]]]:
    """(scenario, network) → variant → its seeds that are in `rows`."""
    keys = {row.cell.key for row in rows}
    found: defaultdict[tuple[str, str], dict[str, frozenset[int]]] = defaultdict(dict)
    for cell in (cell for cell in cells if cell.key in keys):
        seeds = found[cell.scenario, cell.model]
        seeds[cell.variant] = seeds.get(cell.variant, frozenset()) | {cell.seed}
    return found


def _facts(rows: Sequence[Row], cells: Sequence[Cell]) -> tuple[tuple[str, str], ...]:
    seeds = sorted({row.cell.seed for row in rows})
    codes = [row.provenance.get("code", "unknown") for row in rows]
    facts = [
        ("runs", f"{len(rows):,} of {len({cell.key for cell in cells}):,}"),
        ("seeds", _ranges(seeds)),
        *(("code (SHA-256)", f"{code[:_HASH]}: {codes.count(code):,} runs") for code in dict.fromkeys(codes)),
    ]
    versions = {name: dict.fromkeys(row.provenance.get(name, "unknown") for row in rows) for name in DISTRIBUTIONS}
    facts.append(("versions", ", ".join(f"{name} {' and '.join(found)}" for name, found in versions.items())))
    for scenario in dict.fromkeys(row.cell.scenario for row in rows):
        hashes = dict.fromkeys(
            row.provenance.get("data", "unknown")[:_HASH] for row in rows if row.cell.scenario == scenario
        )
        more = f" and {len(hashes) - _MOST} more" if len(hashes) > _MOST else ""
        facts.append((f"data of {scenario} (SHA-256)", ", ".join(list(hashes)[:_MOST]) + more))
    return tuple(facts)


def _ranges(seeds: Sequence[int]) -> str:
    """1, 2, 3, 5 → "1–3, 5"."""
    runs: list[list[int]] = []
    for seed in seeds:
        if runs and seed == runs[-1][-1] + 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)


def _different(made_with: Sequence[Mapping[str, str]]) -> tuple[Mapping[str, str], ...]:
    """What the runs were made with, each once."""
    return tuple({msgspec.json.encode(one, order="sorted"): one for one in made_with}.values())
