"""The tables of the report in Markdown."""

import re
from collections.abc import Iterable, Sequence

from tinyprop.bench.compare.table import ABSENT
from tinyprop.bench.report.comparison.columns import Column, columns_of, points
from tinyprop.bench.report.comparison.records import Beside, Case, ComparisonReport
from tinyprop.bench.report.render import signed

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&])")


def markdown_of(report: ComparisonReport) -> str:
    """One table over all cases, one per case, one of the paper; the same report gives the same text."""
    parts = [f"# {report.title}", *(f"**{escaped(warning)}**" for warning in report.warnings)]
    columns = columns_of(report)
    if report.in_short:
        parts += ["## In short", _in_short(report)]
    for case in report.cases:
        parts += [f"## {_name(case)}", _about(case), _case(case, columns)]
    parts += ["## What the columns mean", "\n".join(f"- **{one.title}**: {one.meaning}" for one in columns)]
    parts += ["## What the paper states beside what was measured", *_beside(report)]
    parts += ["## How it was made", "\n".join(f"- {escaped(name)}: {escaped(value)}" for name, value in report.facts)]
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """`text` as Markdown that shows it as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], *, texts: int = 1) -> str:
    """The first `texts` columns to the left, numbers to the right; cells are escaped here."""
    lines = [head, [":---" if column < texts else "---:" for column in range(len(head))]]
    lines += [[escaped(cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _in_short(report: ComparisonReport) -> str:
    head = (
        "method",
        "cases",
        "points, mean",
        "points, worst",
        "effort, backward",
        "effort, total",
        "cost to accuracy",
        *(("cost in instructions", "instructions") if report.board else ()),
    )
    return _table(
        head,
        (
            (
                one.variant,
                f"{one.cases}",
                signed(one.points_mean, 2),
                signed(one.points_worst, 2),
                f"{one.effort_bwd:.3f}",
                f"{one.effort_total:.3f}",
                ABSENT if one.cost is None else f"{one.cost:.2f} ({one.cost_cases} of {one.cases})",
                *(
                    (
                        ABSENT if share is None else f"{share:.2f}"
                        for share in (one.cost_in_instructions, one.instructions)
                    )
                    if report.board
                    else ()
                ),
            )
            for one in report.in_short
        ),
    )


def _name(case: Case) -> str:
    return escaped(f"{case.scenario} · {case.model}")


def _about(case: Case) -> str:
    instead = f", a stand-in for {case.data.stands_in_for}, not that set" if case.data.stands_in_for else ""
    before = case.rows[0].accuracy_before_mean
    seen = "" if case.steps is None else f", {case.steps:,} samples seen"
    forward = "" if case.forward_alone is None else f"; cost of the forward pass alone: {case.forward_alone:.2f}"
    return escaped(f"{case.what}; data: {case.data.title}{instead}; {before:.1f} % before{seen}{forward}.")


def _case(case: Case, columns: Sequence[Column]) -> str:
    head = ("method", *(column.title for column in columns))
    return _table(head, ((row.method, *(column.text(row) for column in columns)) for row in case.rows))


def _beside(report: ComparisonReport) -> list[str]:
    head = ("data set", "measured on", "stated, points", "measured, points", "stated, effort", "measured, bwd / total")
    rows = report.beside.rows
    return [
        escaped(f"Stated: {report.beside.source}."),
        _table(head, ((row.dataset, *_measured(row)) for row in rows), texts=2),
        "What differs:",
        "\n".join(f"- {escaped(text)}" for text in report.beside.differs),
    ]


def _measured(row: Beside) -> tuple[str, ...]:
    if row.measured is None:
        return (ABSENT, row.stated_points, ABSENT, row.stated_effort, ABSENT)
    one = row.measured
    return (
        f"{one.dataset}: {one.scenario} · {one.model}",
        row.stated_points,
        points(one.difference_mean, one.difference_ci95),
        row.stated_effort,
        f"{one.effort_bwd:.3f} / {one.effort_total:.3f}",
    )
