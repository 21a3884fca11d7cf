"""ComparisonReport → one self-contained HTML page, and the summary as JSON."""

import msgspec
from markupsafe import Markup

from tinyprop.bench.compare.summary import MARGIN
from tinyprop.bench.compare.table import ABSENT, boards_of
from tinyprop.bench.report.comparison.columns import columns_of, points, standing
from tinyprop.bench.report.comparison.drawings import FLOOR, curve_drawing, effort_drawing, kept_drawing
from tinyprop.bench.report.comparison.records import ComparisonReport
from tinyprop.bench.report.method_style import styles_of
from tinyprop.bench.report.render import rendered
from tinyprop.methods import METHODS

TELLING = 3.0  # points by which full training must beat training the last layer alone (docs/adding/scenario.md)
MANY_LAYERS = 8  # with more, the drawing of layers is folded away


def page_of(report: ComparisonReport) -> str:
    """The page as text; the same report gives the same bytes. Raises UserError when matplotlib is missing."""
    styles = styles_of(dict.fromkeys(row.method for case in report.cases for row in case.rows))
    drawn = [
        (
            case,
            standing(case.rows),
            Markup(effort_drawing(case, styles)),
            Markup(curve_drawing(case, styles)) if case.curves else None,
            Markup(kept_drawing(case, styles)) if case.kept else None,
        )
        for case in report.cases
    ]
    return rendered(
        "tinyprop.bench.report.comparison",
        report=report,
        drawn=drawn,
        columns=columns_of(report),
        styles=styles,
        margin=MARGIN,
        floor=FLOOR,
        telling=TELLING,
        many=MANY_LAYERS,
        absent=ABSENT,
        energy=boards_of([row for case in report.cases for row in case.rows]),
        points=points,
        methods=METHODS,
    )


def summary_json(report: ComparisonReport) -> bytes:
    """{"rows", "in_short", "compared", "stated", "warnings", "provenance"}: all numbers of the page, for machines."""
    content = {
        "rows": [row for case in report.cases for row in case.rows],
        "in_short": report.in_short,
        "compared": report.compared,
        "stated": report.beside,
        "warnings": report.warnings,
        "provenance": report.provenance,
    }
    return msgspec.json.format(msgspec.json.encode(content)) + b"\n"
