"""What a comparison comes to: one row per scenario, network and variant, over the seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tinyprop.bench.compare.cell import Cell, Outcome
from tinyprop.bench.compare.scenarios import SCENARIOS
from tinyprop.bench.compare.store import Row
from tinyprop.bench.interval import half_interval
from tinyprop.bench.paired import paired_difference

DENSE, ZEROS_SKIPPED = "full", "full_zero_skip"  # the variants that others are measured against
MARGIN = 1.0  # points under full training's final accuracy at which cost to accuracy is read

Outcomes = Mapping[int, Outcome]  # by seed


@dataclass(frozen=True)
class SummaryRow:
    """accuracy (before: as shipped): percent; difference (to full training, seed by seed), forgotten (old task, after −
    before): points. *_ci95: half of the 95 % interval, None where one seed says nothing of it. cost_to_accuracy:
    multiply-adds until full training's final accuracy less MARGIN, over those of full training with zeros skipped; None
    where a seed did not get there, or where those are not among the runs.
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


def summary(rows: Sequence[Row], cells: Sequence[Cell]) -> tuple[SummaryRow, ...]:
    """Of those of `rows` that belong to `cells`, in the order of `cells`."""
    groups = grouped(rows, cells)
    return tuple(
        _row(name, found, groups.get((*name[:2], DENSE), {}), groups.get((*name[:2], ZEROS_SKIPPED), {}))
        for name, found in groups.items()
    )


def grouped(rows: Sequence[Row], cells: Sequence[Cell]) -> Mapping[tuple[str, str, str], Outcomes]:
    """(scenario, network, variant) → what came of those of `cells` that are in `rows`, by seed, in order."""
    outcomes = {row.cell.key: row.outcome for row in rows}
    groups: dict[tuple[str, str, str], dict[int, Outcome]] = {}
    for cell in cells:
        if cell.key in outcomes:
            groups.setdefault((cell.scenario, cell.model, cell.variant), {})[cell.seed] = outcomes[cell.key]
    return groups


def _row(name: tuple[str, str, str], found: Outcomes, full: Outcomes, skipping: Outcomes) -> SummaryRow:
    scenario, model, variant = name
    accuracies = [outcome.accuracy_after for outcome in found.values()]
    shared = [seed for seed in found if seed in full]
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
        cost_to_accuracy=_cost_to_accuracy(found, full, skipping),
        seeds=len(found),
    )


def _cost_to_accuracy(found: Outcomes, full: Outcomes, skipping: Outcomes) -> float | None:
    costs = []
    for seed in found:
        if seed not in full or seed not in skipping:
            return None
        wanted = full[seed].accuracy_after - MARGIN
        ours, theirs = _macs_until(found[seed], wanted), _macs_until(skipping[seed], wanted)
        if ours is None or theirs is None:
            return None
        costs.append((ours, theirs))
    ours_in_all, theirs_in_all = np.sum(costs, axis=0)
    return float(ours_in_all / theirs_in_all)


def _macs_until(outcome: Outcome, accuracy: float) -> int | None:
    return next((point.macs for point in outcome.curve if point.accuracy >= accuracy), None)
