"""The columns of the results: how each is called, printed and explained in plain words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from tinyprop.bench.report.demo.records import Row
from tinyprop.bench.report.method_style import style_of

CLOSE = 1.0  # points below full training that still count as "as accurate"


@dataclass(frozen=True)
class Column:
    """A column of the big table. meaning: its definition for a reader who is new to the field."""

    title: str
    text: Callable[[Row], str]
    meaning: str


def _kib(count: int) -> str:
    return f"{count / 1024:.1f} KiB"


COLUMNS = (
    Column(
        "accuracy",
        lambda row: f"{row.accuracy_after:.2f} ± {row.accuracy_after_sd:.2f}",
        "Percent of test samples classified rightly after training in the field: mean and standard deviation over the "
        "seeds. The accuracy before that training stands above each table.",
    ),
    Column(
        "effort, backward",
        lambda row: f"{row.effort_bwd:.3f}",
        "effort_bwd: multiply-adds done in the backward pass, divided by those of plain full training. "
        "1 is full training, 0.1 a tenth of it.",
    ),
    Column(
        "effort, total",
        lambda row: f"{row.effort_total:.3f}",
        "effort_total: the same for the whole step: forward pass, backward pass and the work of selecting "
        "(one look at an entry counts as one multiply-add).",
    ),
    Column(
        "skipped",
        lambda row: f"{100 * row.skipped:.1f} %",
        "Share of samples after whose forward pass the method saw nothing left to learn, and did no backward pass.",
    ),
    Column(
        "instructions, mean",
        lambda row: f"{row.instructions_mean / 1000:,.1f} k",
        "Machine instructions that one training step executes on the emulated board: counted, not estimated.",
    ),
    Column(
        "instructions, worst",
        lambda row: f"{row.instructions_max / 1000:,.1f} k",
        "The same for the most expensive step of the run: what a deadline has to allow for.",
    ),
    Column(
        "RAM",
        lambda row: _kib(row.ram_bytes),
        "Writable memory of the linked image: weights, activations and errors, without the stack. 1 KiB = 1,024 bytes.",
    ),
    Column("flash", lambda row: _kib(row.flash_bytes), "Code and constants of the linked image, initial weights too."),
    Column("stack", lambda row: f"{row.stack_bytes:,} B", "The deepest the stack ever was during the run, in bytes."),
    Column(
        "board = host",
        lambda row: "identical" if row.hash_board == row.hash_host else "DIFFERENT",
        "Whether the weights trained on the emulated board and on the host are equal bit for bit (by their SHA-256).",
    ),
)


@dataclass(frozen=True)
class Group:
    """The rows of one model in one scenario. best: methods marked as cheapest among the accurate ones."""

    model: str
    scenario: str
    rows: tuple[Row, ...]
    close: frozenset[str]
    best: str | None


def groups_of(rows: Sequence[Row]) -> tuple[Group, ...]:
    """The rows by model and scenario, in order of first appearance, with what the table highlights."""
    keys = dict.fromkeys((row.model, row.scenario) for row in rows)
    return tuple(_group(tuple(row for row in rows if (row.model, row.scenario) == key)) for key in keys)


def _group(rows: tuple[Row, ...]) -> Group:
    full = next((row.accuracy_after for row in rows if row.method == "full"), None)
    close = [row for row in rows if full is not None and row.accuracy_after >= full - CLOSE]
    best = min(close, key=lambda row: row.effort_bwd).method if close else None
    return Group(rows[0].model, rows[0].scenario, rows, frozenset(row.method for row in close), best)


@dataclass(frozen=True)
class Summary:
    """A method over all groups, against full training. points_*: accuracy gained (+) or lost (−), in points."""

    label: str
    colour: str
    points_mean: float
    points_worst: float
    effort_bwd: float
    effort_total: float
    instructions: float


def summaries_of(groups: Sequence[Group]) -> tuple[Summary, ...]:
    """One line per method; a method or a group without full training beside it has no line to compare with."""
    pairs: dict[str, list[tuple[Row, Row]]] = {}
    for group in groups:
        for full in (row for row in group.rows if row.method == "full"):
            for row in group.rows:
                pairs.setdefault(row.method, []).append((row, full))
    return tuple(_summary(method, found) for method, found in pairs.items())


def _summary(method: str, pairs: Sequence[tuple[Row, Row]]) -> Summary:
    points = [row.accuracy_after - full.accuracy_after for row, full in pairs]
    return Summary(
        label=style_of(method).label,
        colour=style_of(method).colour.css,
        points_mean=fmean(points),
        points_worst=min(points),
        effort_bwd=fmean(row.effort_bwd for row, _ in pairs),
        effort_total=fmean(row.effort_total for row, _ in pairs),
        instructions=fmean(row.instructions_mean / full.instructions_mean for row, full in pairs),
    )
