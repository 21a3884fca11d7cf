"""`tinyprop bench`: count, print beside the peers, write JSON, fail when a ceiling is exceeded."""

from pathlib import Path

from rich.console import Console

from tinyprop.bench.atomic_file import require_writable, write_whole
from tinyprop.bench.benchmark import ceilings
from tinyprop.bench.benchmark.ceilings import Verdict
from tinyprop.bench.benchmark.config import NETWORKS, BenchConfig
from tinyprop.bench.benchmark.json_file import json_of
from tinyprop.bench.benchmark.run import run_benchmark
from tinyprop.bench.benchmark.table import ceilings_table, notes, ratios, tables
from tinyprop.bench.benchmark.unlearned import unlearned_report
from tinyprop.bench.progress import stage_progress


def bench_command(
    console: Console, *, json_path: Path | None, write_ceilings: bool, config: BenchConfig | None = None
) -> int:
    """Exit status: 0 when every ceiling holds. write_ceilings: first make today's counts the ceilings."""
    if json_path is not None:
        require_writable(json_path)
    with stage_progress(console) as advance:
        report = run_benchmark(advance, config)
    if write_ceilings:
        repeatable = unlearned_report(tuple(NETWORKS), tuple(report.compilers))
        ceilings.write_ceilings(ceilings.renewed(ceilings.renewed(ceilings.load_ceilings(), report), repeatable))
    found = ceilings.verdicts(report, ceilings.load_ceilings())
    for table in (*tables(report), ceilings_table(found)):
        console.print(table)
    for line in (*ratios(report), *notes(report)):
        console.print(line, highlight=False)
    if json_path is not None:
        write_whole(json_path, json_of(report, found))
        console.print(f"counts: {json_path}", highlight=False)
    console.print(_verdict(found), highlight=False)
    return 0 if all(verdict.holds for verdict in found) else 1


def _verdict(found: tuple[Verdict, ...]) -> str:
    exceeded = [verdict.name for verdict in found if not verdict.holds]
    if exceeded:
        return f"[red]{len(exceeded)} of {len(found)} ceilings exceeded[/red]: {', '.join(exceeded)}."
    known = sum(verdict.ceiling is not None for verdict in found)
    return f"{known} of {known} ceilings hold; {len(found) - known} quantities have none for this compiler."
