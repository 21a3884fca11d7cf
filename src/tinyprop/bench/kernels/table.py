"""The kernel benchmark in tables for people."""

from rich.table import Table

from tinyprop.bench.benchmark.table import ABSENT, LEVELS
from tinyprop.bench.kernels.layouts import LaidOut
from tinyprop.bench.kernels.records import Compared, KernelReport
from tinyprop.bench.kernels.workbench import Cost


def kernels_table(report: KernelReport, toolchain: str) -> Table:
    """Instructions and estimated cycles of each kernel, ours and theirs, by one compiler."""
    table = _table(f"Kernels, {toolchain} {LEVELS[toolchain]}, {report.board} (emulated): instructions, ≈ cycles")
    for column in ("kernel", "size"):
        table.add_column(column, no_wrap=True)
    for column in ("ours", "≈", "per MAC", "CMSIS-DSP", "≈", "ratio", "fused", "≈"):
        table.add_column(column, justify="right", no_wrap=True)
    for one in report.compared:
        if one.toolchain == toolchain:
            table.add_row(one.title, one.size, *_cells(one))
    return table


def layouts_table(report: KernelReport, toolchain: str) -> Table:
    """Instructions and estimated cycles of each kernel in our layout and in another, by one compiler."""
    table = _table(f"Layouts, {toolchain} {LEVELS[toolchain]}: instructions, ≈ cycles")
    for column in ("kernel", "size"):
        table.add_column(column, no_wrap=True)
    for column in ("k", "zeros", "ours", "≈", "other", "≈", "ratio", "of ≈"):
        table.add_column(column, justify="right", no_wrap=True)
    for one in report.laid_out:
        if one.toolchain == toolchain:
            kept = ABSENT if one.kept is None else f"{one.kept}"
            case = (one.title, one.size, kept, f"{one.zeros:.0%}")
            table.add_row(*case, *_cost(one.ours), *_cost(one.theirs), f"{one.ratio:.2f}×", _cycles_ratio(one))
    return table


def curves_table(report: KernelReport) -> Table:
    """The straight line through the cost of each backward kernel against k."""
    table = _table("Cost against k, the kept entries of δ: instructions ≈ a + b · k")
    table.add_column("kernel", no_wrap=True)
    table.add_column("size", no_wrap=True)
    for column in ("compiler", "n", "a", "b", "R²", "for k up to", "at k = n"):
        table.add_column(column, justify="right", no_wrap=True)
    for one in report.curves:
        line = (f"{one.intercept:,.0f}", f"{one.slope:,.0f}", f"{one.r_squared:.4f}", f"{one.fitted_up_to}")
        n, last = f"{one.kept[-1]}", f"{one.instructions[-1]:,}"
        table.add_row(one.title, one.size, one.toolchain, n, *line, last)
    return table


def notes(report: KernelReport) -> tuple[str, ...]:
    """What a reader must know to judge the figures."""
    found = [
        "Each kernel alone, on random numbers without a zero, every value computed; the call is counted, reading and "
        "writing of the arrays by the host is not. Ours is compiled for its shape, as in a generated network; "
        "CMSIS-DSP takes sizes at run time, as in its library. per MAC: instructions of ours per multiply-add, or per "
        "element. ratio: instructions of CMSIS-DSP over ours.",
    ]
    if report.library:
        differing = {one.title: one.differs for one in report.compared if one.differs}
        found.append(
            f"{report.library}: its loops unrolled as its own build does, our compiler flags, so without "
            "contraction; fused: contraction allowed, as for most of its users. Results agree up to rounding. "
            f"It differs: {'; '.join(f'{title}: {text}' for title, text in differing.items())}."
        )
    else:
        found.append(f"Only ours was measured: {report.missing}")
    if report.laid_out:
        found.append(
            "Layouts: ours has dense weights input by input and images channel by channel, the other has weights "
            "output by output and channels last; k: kept entries of δ; zeros: share of the inputs that are exactly "
            "zero, whose rows ours leaves out. ratio: of the other over ours."
        )
    if report.estimate:
        found.append(f"≈ cycles are an estimate, no measurement: {report.estimate}.")
    return tuple(found)


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 1, 0, 0))


def _cells(one: Compared) -> tuple[str, ...]:
    ratio = ABSENT if one.ratio is None else f"{one.ratio:.2f}×"
    per_mac = f"{one.ours.instructions / one.macs:.2f}"
    return (*_cost(one.ours), per_mac, *_cost(one.theirs), ratio, *_cost(one.theirs_fused))


def _cycles_ratio(one: LaidOut) -> str:
    if one.ours.cycles is None or one.theirs.cycles is None:
        return ABSENT
    return f"{one.theirs.cycles / one.ours.cycles:.2f}×"


def _cost(cost: Cost | None) -> tuple[str, str]:
    if cost is None:
        return ABSENT, ABSENT
    return f"{cost.instructions:,}", "no estimate" if cost.cycles is None else f"{cost.cycles:,}"
