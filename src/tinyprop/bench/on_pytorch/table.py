"""The PyTorch benchmark in a table for people."""

from collections.abc import Iterator

from rich.table import Table

from tinyprop.bench.on_host.table import ABSENT, mark, three_digits
from tinyprop.bench.on_pytorch.records import DENSE, PytorchReport, PytorchRow

COLUMNS = ("µs", "10 %", "90 %", "dense", "skip", "bwd")
MUCH = 0.6  # share skipped from which on a step should be faster than a dense one


def pytorch_table(report: PytorchReport) -> Table:
    """A row per network and way to train it."""
    table = Table(
        title=f"One training step in PyTorch, batch {report.batch}, one thread: µs, times dense",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
    )
    table.padding = (0, 1, 0, 0)
    for column in ("network", "method"):
        table.add_column(column, no_wrap=True)
    for column in COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    for row in report.rows:
        table.add_row(row.network, row.label, *cells(report, row))
    return table


def cells(report: PytorchReport, row: PytorchRow) -> tuple[str, ...]:
    """The figures of one row, as COLUMNS names them."""
    return (
        *(three_digits(figure) for figure in (row.median, *row.spread)),
        f"{report.over_dense(row):.2f}×",
        ABSENT if row.skipped is None else f"{100 * row.skipped:.1f}%",
        ABSENT if row.effort_bwd is None else f"{row.effort_bwd:.3f}",
    )


def notes(report: PytorchReport) -> Iterator[str]:
    """What a reader must know to judge the figures."""
    rounds, steps = len(report.rows[0].microseconds), {row.network: row.steps for row in report.rows}
    blocks = ", ".join(f"{count:,} ({name})" for name, count in steps.items())
    yield (
        f"Medians of {rounds} rounds in which all take turns, and what a tenth of the rounds stayed below and "
        f"exceeded. Steps in a round: {blocks}. Forward, cross-entropy, backward and SGD on random samples, fresh "
        "weights, learning rate 0, so that every step sees the same errors. dense: PyTorch without a method; as a "
        "column: a row's time over dense's of the same round, the median of these ratios. skip: share of the samples "
        "really skipped. bwd: multiply-adds of the entries kept, over those of full training; of samples that are not "
        "skipped PyTorch's kernels compute the others as well."
    )
    yield (
        "With a percentage: tau lies between two losses of the batch, so that this share of it is skipped, rounded up "
        "to whole samples. Without: the method's defaults."
    )
    yield "Before anything was timed, full training gave PyTorch's own gradients, bit for bit."
    names = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    yield f"{report.cpu}; {names}."


def verdicts(report: PytorchReport) -> Iterator[str]:
    """What was aimed at, beside what was found; nothing depends on it."""
    for network in report.networks:
        rows, aim = report.rows_of(network), report.aims[network]
        worst = report.slowest(tuple(row for row in rows if row.title != DENSE and row.percent is None))
        if aim is not None and worst is not None:
            holds, within = report.over_dense(worst) <= aim, f"at most {aim:g} times dense"
            yield f"{mark(holds)}  {network}: each method at its defaults {within}{_slowest(report, worst)}"
        worst = report.slowest(tuple(row for row in rows if row.skipped is not None and row.skipped >= MUCH))
        if worst is not None:
            holds, much = report.over_dense(worst) < 1, f"{MUCH:.0%} or more skipped"
            yield f"{mark(holds)}  {network}: faster than dense with {much}{_slowest(report, worst)}"


def _slowest(report: PytorchReport, row: PytorchRow) -> str:
    return f"; slowest {report.over_dense(row):.2f}, {row.label}"
