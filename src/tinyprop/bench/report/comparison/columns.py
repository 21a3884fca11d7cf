"""The columns of the tables: how each is called, printed and explained, on the page and in Markdown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tinyprop.bench.compare.summary import MARGIN, SummaryRow
from tinyprop.bench.compare.table import ABSENT, boards_of
from tinyprop.bench.report.comparison.records import ComparisonReport
from tinyprop.bench.report.render import signed
from tinyprop.targets import load_board


@dataclass(frozen=True)
class Column:
    """A column. meaning: its definition for a reader who is new to the field. counted: whether it is there only where
    steps were counted on a board."""

    title: str
    text: Callable[[SummaryRow], str]
    meaning: str
    counted: bool = False


def interval(half: float | None, digits: int) -> str:
    """ " ± half", or nothing where it is not known."""
    return "" if half is None else f" ± {half:.{digits}f}"


def points(mean: float | None, half: float | None) -> str:
    """A difference in points with its interval."""
    return ABSENT if mean is None else signed(mean, 2) + interval(half, 2)


_COLUMNS = (
    Column(
        "accuracy, %",
        lambda row: f"{row.accuracy_mean:.1f}{interval(row.accuracy_ci95, 1)}",
        "Of test samples after learning in the field: mean over the seeds ± half of its 95 % interval (Student's t).",
    ),
    Column(
        "points against full",
        lambda row: points(row.difference_mean, row.difference_ci95),
        "Accuracy less that of full training (the variant named “full”) with the same seed: mean of these differences "
        "± half of their 95 % interval. An interval that reaches over 0 means that the difference may be chance.",
    ),
    Column(
        "effort, backward",
        lambda row: f"{row.effort_bwd:.3f}",
        "effort_bwd: multiply-adds of the backward pass over those of plain full training. 1 is full training.",
    ),
    Column(
        "effort, total",
        lambda row: f"{row.effort_total:.3f}",
        "effort_total: the same for the whole step: forward pass, backward pass, and one for each value that a "
        "selection looks at.",
    ),
    Column(
        "cost to accuracy",
        lambda row: ABSENT if row.cost_to_accuracy is None else f"{row.cost_to_accuracy:.2f}",
        f"Multiply-adds until full training's final accuracy less {MARGIN:g} point is reached for the first time, over "
        "those of full training with zeros skipped (the variant named “full_zero_skip”); read at the checkpoints, all "
        f"of them means over the seeds. {ABSENT}: it did not get there, or one of the two is not among the runs.",
    ),
    Column(
        "instructions a step",
        lambda row: ABSENT if row.instructions is None else f"{row.instructions / 1000:,.1f} k",
        "Thousands, mean over the run, skipped steps included; estimated: some steps of each method were counted on an "
        "emulated board, and the run's multiply-adds are taken at what those cost there, forward and backward apart.",
        counted=True,
    ),
    Column(
        "cost in instructions",
        lambda row: ABSENT if row.instructions_to_accuracy is None else f"{row.instructions_to_accuracy:.2f}",
        "Cost to accuracy with these instructions in place of multiply-adds.",
        counted=True,
    ),
    Column(
        "old task, points",
        lambda row: points(row.forgotten_mean, row.forgotten_ci95),
        "Forgetting: accuracy on test samples of what the network could before it went into the field, after learning "
        "less before.",
    ),
    Column(
        "skipped",
        lambda row: f"{row.skipped_share:.0%}".replace("%", " %"),
        "Share of samples after whose forward pass nothing seemed left to learn, so that there was no backward pass.",
    ),
    Column("seeds", lambda row: f"{row.seeds}", "Runs behind the row, each with another pretrained network and order."),
)


def columns_of(report: ComparisonReport) -> tuple[Column, ...]:
    """Those that it can fill."""
    rows = [row for case in report.cases for row in case.rows]
    known = tuple(column for column in _COLUMNS if report.board is not None or not column.counted)
    return known + tuple(_energy(board) for board in boards_of(rows))


def _energy(board: str) -> Column:
    described = load_board(board)
    assert described.power is not None
    return Column(
        f"millijoules a step, {described.title}",
        lambda row: f"{row.millijoules[board]:.3g}" if board in row.millijoules else ABSENT,
        "Mean over the run, skipped steps included, of the chip while its core computes; estimated: cycles are taken "
        "as instructions are, from a table of what each instruction takes in memory without wait states. "
        f"{described.power.milliamperes:g} mA at {described.power.volts:g} V: {described.power.source}. "
        f"{ABSENT}: its RAM does not hold the network.",
    )


@dataclass(frozen=True)
class Standing:
    """What a table highlights. close: methods at most MARGIN points below full training; best: the least backward
    effort among them."""

    close: frozenset[str]
    best: str | None


def standing(rows: Sequence[SummaryRow]) -> Standing:
    """Of the rows of one scenario and network."""
    close = [row for row in rows if row.difference_mean is not None and row.difference_mean >= -MARGIN]
    best = min(close, key=lambda row: row.effort_bwd).method if close else None
    return Standing(frozenset(row.method for row in close), best)
