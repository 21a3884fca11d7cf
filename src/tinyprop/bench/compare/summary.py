"""What a comparison comes to: one row per scenario, network and variant, over the seeds."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tinyprop.bench.compare.cell import Cell, Checkpoint, Outcome
from tinyprop.bench.compare.count import Count
from tinyprop.bench.compare.energy import millijoules
from tinyprop.bench.compare.scenarios import SCENARIOS
from tinyprop.bench.compare.store import Row
from tinyprop.bench.interval import half_interval
from tinyprop.bench.paired import paired_difference

DENSE, ZEROS_SKIPPED = "full", "full_zero_skip"  # the variants that others are measured against
MARGIN = 1.0  # points under full training's final accuracy at which cost to accuracy is read

Outcomes = Mapping[int, Outcome]  # by seed
Name = tuple[str, str, str]  # scenario, network, variant
Cost = Callable[[Checkpoint], float | None]  # of a run up to there


@dataclass(frozen=True)
class SummaryRow:
    """accuracy (before: as shipped): percent; difference (to full training, seed by seed, of those that started from
    the same weights), forgotten (old task, after − before): points. *_ci95: half of the 95 % interval, None where one
    seed says nothing of it. cost_to_accuracy: multiply-adds until full training's final accuracy less MARGIN, over
    those of full training with zeros skipped, all of them means over the seeds; None where it did not get there, or
    where those are not among the runs. instructions, instructions_to_accuracy: of a step, mean over all of the run, and
    the same cost in instructions, both estimated from what was counted on a board; None where nothing was. cycles: of
    a step, alike; millijoules: of a step, by board that has a source for it and holds the network. forward_alone: what
    cost_to_accuracy would be of a method that learns, sample for sample, as full training with zeros skipped does, were
    all behind the forward pass for nothing.
    """

    dataset: str
    scenario: str
    model: str
    method: str
    accuracy_before_mean: float
    accuracy_mean: float
    accuracy_ci95: float | None
    difference_mean: float | None
    difference_ci95: float | None
    forgotten_mean: float | None
    forgotten_ci95: float | None
    effort_bwd: float
    effort_total: float
    skipped_share: float
    cost_to_accuracy: float | None
    seeds: int
    instructions: float | None = None
    instructions_to_accuracy: float | None = None
    cycles: float | None = None
    millijoules: Mapping[str, float] = field(default_factory=dict)
    forward_alone: float | None = None


def summary(rows: Sequence[Row], cells: Sequence[Cell], counts: Sequence[Count] = ()) -> tuple[SummaryRow, ...]:
    """Of those of `rows` that belong to `cells`, in the order of `cells`. counts: all on one board."""
    groups = grouped(rows, cells)
    counted = {one.cell.key: one for one in counts}
    by_name = {(cell.scenario, cell.model, cell.variant): counted[cell.key] for cell in cells if cell.key in counted}
    return tuple(_row(name, found, groups, by_name) for name, found in groups.items())


def grouped(rows: Sequence[Row], cells: Sequence[Cell]) -> Mapping[Name, Outcomes]:
    """(scenario, network, variant) → what came of those of `cells` that are in `rows`, by seed, in order."""
    outcomes = {row.cell.key: row.outcome for row in rows}
    groups: dict[Name, dict[int, Outcome]] = {}
    for cell in cells:
        if cell.key in outcomes:
            groups.setdefault((cell.scenario, cell.model, cell.variant), {})[cell.seed] = outcomes[cell.key]
    return groups


def _row(name: Name, found: Outcomes, groups: Mapping[Name, Outcomes], counts: Mapping[Name, Count]) -> SummaryRow:
    scenario, model, variant = name
    full, zeros_skipped = groups.get((scenario, model, DENSE), {}), (scenario, model, ZEROS_SKIPPED)
    skipping = groups.get(zeros_skipped, {})
    accuracies = [outcome.accuracy_after for outcome in found.values()]
    shared = [seed for seed in found if seed in full and found[seed].same_start(full[seed])]
    difference, interval = (
        paired_difference([found[s].accuracy_after for s in shared], [full[s].accuracy_after for s in shared])
        if shared
        else (None, None)
    )
    if len(shared) < 2:
        interval = None
    forgotten = [
        o.old_after - o.old_before for o in found.values() if o.old_after is not None and o.old_before is not None
    ]
    cycles = _per_step(found, _cycles(counts.get(name)))
    return SummaryRow(
        dataset=SCENARIOS[scenario].filed_as,
        scenario=scenario,
        model=model,
        method=variant,
        accuracy_before_mean=float(np.mean([outcome.accuracy_before for outcome in found.values()])),
        accuracy_mean=float(np.mean(accuracies)),
        accuracy_ci95=half_interval(accuracies),
        difference_mean=difference,
        difference_ci95=interval,
        forgotten_mean=float(np.mean(forgotten)) if forgotten else None,
        forgotten_ci95=half_interval(forgotten),
        effort_bwd=float(np.mean([outcome.effort_bwd for outcome in found.values()])),
        effort_total=float(np.mean([outcome.effort_total for outcome in found.values()])),
        skipped_share=float(np.mean([outcome.skipped_share for outcome in found.values()])),
        cost_to_accuracy=_cost_to_accuracy((found, _macs), full, (skipping, _macs)),
        seeds=len(found),
        instructions=_per_step(found, _instructions(counts.get(name))),
        instructions_to_accuracy=_cost_to_accuracy(
            (found, _instructions(counts.get(name))), full, (skipping, _instructions(counts.get(zeros_skipped)))
        ),
        cycles=cycles,
        millijoules=_millijoules(cycles, counts.get(name), found),
        forward_alone=_cost_to_accuracy(
            ({s: skipping[s] for s in found if s in skipping}, _forward), full, (skipping, _macs)
        ),
    )


def _macs(at: Checkpoint) -> float | None:
    return at.macs


def _forward(at: Checkpoint) -> float | None:
    return at.parts[0] if at.parts else None


def _instructions(count: Count | None) -> Cost:
    return (lambda at: None) if count is None else count.instructions


def _cycles(count: Count | None) -> Cost:
    return (lambda at: None) if count is None else count.cycles


def _millijoules(cycles: float | None, count: Count | None, found: Outcomes) -> Mapping[str, float]:
    planned = [outcome.ram_bytes for outcome in found.values() if outcome.ram_bytes is not None]
    if cycles is None or count is None or len(planned) < len(found):
        return {}
    return millijoules(cycles, count.core, max(planned))


def _cost_to_accuracy(ours: tuple[Outcomes, Cost], full: Outcomes, theirs: tuple[Outcomes, Cost]) -> float | None:
    seeds, skipping = ours[0].keys(), theirs[0]
    if not seeds or not full.keys() & skipping.keys() >= seeds:
        return None
    wanted = float(np.mean([full[seed].accuracy_after for seed in seeds])) - MARGIN
    spent = _until(ours[0].values(), ours[1], wanted)
    yardstick = _until([skipping[seed] for seed in seeds], theirs[1], wanted)
    return spent / yardstick if spent and yardstick else None


def _until(outcomes: Iterable[Outcome], cost: Cost, accuracy: float) -> float | None:
    """Mean cost at the first checkpoint whose accuracy, a mean over the runs, has come to `accuracy`."""
    for points in zip(*(outcome.curve for outcome in outcomes), strict=False):
        if np.mean([point.accuracy for point in points]) >= accuracy:
            return _mean([cost(point) for point in points])
    return None


def _per_step(outcomes: Outcomes, cost: Cost) -> float | None:
    ends = [outcome.curve[-1] for outcome in outcomes.values()]
    return _mean([None if (spent := cost(end)) is None else spent / end.steps for end in ends])


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None
