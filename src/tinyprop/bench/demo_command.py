"""`tinyprop demo`: run, print the table, write JSON and report, fail when a check fails."""

from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tinyprop.bench.atomic_file import require_writable, write_whole
from tinyprop.bench.demo import run_demo
from tinyprop.bench.demo_config import QUICK, DemoConfig
from tinyprop.bench.demo_report import checks_of, json_of, report_of, rows_of
from tinyprop.bench.progress import stage_progress
from tinyprop.bench.report.demo import write_report
from tinyprop.bench.report.demo.records import Check, Row

COLUMNS = ("method", "accuracy", "bwd", "total", "skip", "mean k", "worst k", "RAM KiB", "flash", "stack", " ")


def demo_command(console: Console, *, quick: bool, json_path: Path | None, report_path: Path) -> int:
    """Exit status: 0 when every check passed."""
    config = QUICK if quick else DemoConfig()
    for path in (json_path, report_path):
        if path is not None:
            require_writable(path)
    with stage_progress(console) as advance:
        runs = run_demo(config, advance)
    rows, checks = rows_of(runs, config), checks_of(runs, config)
    for table in tables(rows):
        console.print(table)
        console.print()
    print_legend(console, config)
    for check in checks:
        console.print(_verdict(check), highlight=False)
    if json_path is not None:
        write_whole(json_path, json_of(runs, config))
        console.print(f"rows: {json_path}", highlight=False)
    report_path.parent.mkdir(parents=True, exist_ok=True)
    write_report(report_path, report_of(runs, config))
    console.print(f"report: {report_path}", highlight=False)
    return 0 if all(check.passed for check in checks) else 1


def tables(rows: tuple[Row, ...]) -> list[Table]:
    """One table per network and scenario."""
    return [_table(*case, tuple(group)) for case, group in groupby(rows, key=lambda row: (row.model, row.scenario))]


def _table(model: str, scenario: str, rows: tuple[Row, ...]) -> Table:
    title = f"{model} · {scenario} · accuracy before: {rows[0].accuracy_before:.1f} %"
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 1, 0, 0))
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in ("method", " ") else "right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.method,
            f"{row.accuracy_after:.1f}±{row.accuracy_after_sd:.1f}",
            f"{row.effort_bwd:.3f}",
            f"{row.effort_total:.3f}",
            f"{row.skipped:.0%}",
            f"{row.instructions_mean / 1e3:,.1f}",
            f"{row.instructions_max / 1e3:,.1f}",
            f"{row.ram_bytes / 1024:,.1f}",
            f"{row.flash_bytes / 1024:,.1f}",
            f"{row.stack_bytes:,}",
            "=" if row.hash_host == row.hash_board else "≠",
        )
    return table


def print_legend(console: Console, config: DemoConfig) -> None:
    """What the columns mean."""
    console.print(
        f"accuracy: percent on test data after learning, mean ± standard deviation over {len(config.seeds)} seed(s), "
        "host engine. bwd, total: effort, multiply-adds over those of plain full training, backward and in all. skip: "
        "share of steps skipped. mean k, worst k: thousand instructions per training step on the emulated board. KiB: "
        "of the linked image, RAM with one sample; stack in bytes. =: board and host end with identical weights.",
        highlight=False,
        style="dim",
    )


def _verdict(check: Check) -> str:
    return f"{'[green]ok[/green] ' if check.passed else '[red]FAIL[/red]'} {check.claim}: {check.detail}"
