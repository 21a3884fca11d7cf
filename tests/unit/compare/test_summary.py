"""What outcomes come to, against sums done by hand."""

from dataclasses import replace

import pytest

from tinyprop.bench.compare.cell import Cell, Checkpoint, Outcome, Variant
from tinyprop.bench.compare.store import Row
from tinyprop.bench.compare.summary import summary

CELL = Cell("digits_rotated", "mlp", "full", Variant("full"), 0.05, 0, 25, 4, 2)


def row(variant: str, seed: int, accuracy: float, curve: tuple[tuple[float, int], ...]) -> Row:
    cell = replace(CELL, variant=variant, trains=Variant(variant), seed=seed)
    points = tuple(Checkpoint(5 * i, *point) for i, point in enumerate(curve, start=1))
    return Row(cell, Outcome(50.0, accuracy, 98.0, 90.0 + seed, 0.2, 0.5, 0.1, (1.0,), points, "h"), {})


ROWS = (
    row("full", 0, 90.0, ((80.0, 100), (90.0, 200))),
    row("full", 1, 92.0, ((91.5, 100), (92.0, 200))),
    row("full_zero_skip", 0, 90.0, ((80.0, 60), (90.0, 120))),
    row("full_zero_skip", 1, 92.0, ((91.5, 80), (92.0, 160))),
    row("ours", 0, 89.0, ((85.0, 20), (89.0, 40))),
    row("ours", 1, 91.0, ((90.0, 20), (91.0, 50))),
    row("tinyprop_v1", 0, 80.0, ((70.0, 20), (80.0, 40))),
)
CELLS = tuple(one.cell for one in ROWS)


def test_means_differences_and_cost_to_accuracy():
    full, skipping, ours, v1 = summary(ROWS, CELLS)
    assert (full.method, full.accuracy_mean, full.difference_mean, full.seeds) == ("full", 91.0, 0.0, 2)
    assert full.accuracy_ci95 == pytest.approx(12.7062 * 1.0, rel=1e-4)  # t of one degree of freedom, standard error 1
    assert full.cost_to_accuracy == pytest.approx(200 / 140)  # mean accuracies come to 90 at the second checkpoint
    assert skipping.cost_to_accuracy == 1.0
    assert (ours.difference_mean, ours.difference_ci95) == (-1.0, 0.0)
    assert ours.cost_to_accuracy == pytest.approx(45 / 140)
    assert ours.forgotten_mean == pytest.approx(((90 - 98) + (91 - 98)) / 2)
    assert (v1.seeds, v1.difference_mean, v1.cost_to_accuracy) == (1, -10.0, None)
    assert (v1.accuracy_ci95, v1.difference_ci95) == (None, None)  # one seed says nothing of the spread


def test_what_the_forward_pass_alone_costs():
    """A quarter of the first seed's multiply-adds and an eighth of the second's, at the checkpoint that counts."""
    shares = {("full_zero_skip", 0): 30, ("full_zero_skip", 1): 20}
    rows = [
        replace(
            one, outcome=replace(one.outcome, curve=(one.outcome.curve[0], replace(one.outcome.curve[1], parts=parts)))
        )
        for one in ROWS
        for parts in [(shares.get((one.cell.variant, one.cell.seed), 1), 5, 5)]
    ]
    full, skipping, ours, v1 = summary(rows, CELLS)
    assert full.forward_alone == skipping.forward_alone == ours.forward_alone == pytest.approx(25 / 140)
    assert v1.forward_alone == pytest.approx(30 / 120)  # of its own seed
    assert summary(rows, CELLS[4:6])[0].forward_alone is None
    assert summary(ROWS, CELLS)[0].forward_alone is None  # stored before parts were


def test_differences_are_of_runs_that_started_from_the_same_weights():
    """Which the hash of what they started from says, or how good that was where one of them has none."""
    one = ROWS[0].outcome
    assert one.same_start(replace(one, accuracy_after=1.0, start_hash="a"))
    assert not one.same_start(replace(one, accuracy_before=51.0, start_hash="a"))
    assert not replace(one, start_hash="a").same_start(replace(one, start_hash="b"))
    elsewhere = replace(ROWS[4], outcome=replace(ROWS[4].outcome, old_before=97.0, accuracy_after=60.0))
    rows = (*ROWS[:4], elsewhere, *ROWS[5:])
    assert summary(rows, CELLS)[2].difference_mean == -1.0  # of the second seed alone
    assert summary(rows, CELLS)[2].difference_ci95 is None
    assert summary((*ROWS[:4], elsewhere), CELLS)[2].difference_mean is None


def test_only_what_was_asked_for_counts_and_what_is_missing_is_not_made_up():
    (ours,) = summary(ROWS, CELLS[4:6])
    assert (ours.seeds, ours.difference_mean, ours.cost_to_accuracy) == (2, None, None)
    assert summary((), CELLS) == ()


def test_curves_of_seeds_may_differ_in_length():
    """Where the field brings fewer samples than checkpoints were asked for: what only some seeds have is not read."""
    shorter, longer = ((80.0, 20), (85.0, 40)), ((80.0, 20), (85.0, 50), (95.0, 80))
    rows = (*ROWS[:4], row("ours", 0, 85.0, shorter), row("ours", 1, 95.0, longer))
    assert summary(rows, CELLS)[2].cost_to_accuracy is None
