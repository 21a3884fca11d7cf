"""`tinyprop report`: what a store of `tinyprop compare` comes to, as a page, as Markdown and as JSON."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from tinyprop.bench.atomic_file import require_writable, write_whole
from tinyprop.bench.compare.config import load_config
from tinyprop.bench.compare.store import stored
from tinyprop.bench.report.comparison.cells import cells_of, one_comparison
from tinyprop.bench.report.comparison.earlier import read_earlier
from tinyprop.bench.report.comparison.gather import report_of
from tinyprop.bench.report.comparison.markdown import markdown_of
from tinyprop.bench.report.comparison.write import page_of, summary_json
from tinyprop.errors import UserError


def report_command(
    console: Console,
    store_path: Path,
    *,
    output: Path,
    markdown_path: Path | None,
    json_path: Path | None,
    config_paths: Sequence[Path],
    earlier_paths: Sequence[Path] = (),
) -> int:
    """Exit status 0. Raises UserError before anything is written."""
    earlier = tuple(map(read_earlier, earlier_paths))
    rows, counts = stored(store_path)
    if not rows:
        raise UserError(f"the store '{store_path}' holds no run: `tinyprop compare --store {store_path}` adds some.")
    named = tuple(chain.from_iterable(load_config(path).cells() for path in config_paths))
    cells = one_comparison(named or cells_of(rows))
    if not {cell.key for cell in cells} & {row.cell.key for row in rows}:
        raise UserError(f"the store '{store_path}' holds none of the {len(cells)} runs that --config names.")
    report = report_of(rows, cells, counts, earlier)
    written = [("report", output, page_of(report).encode())]
    if markdown_path is not None:
        written.append(("tables", markdown_path, markdown_of(report).encode()))
    if json_path is not None:
        written.append(("rows", json_path, summary_json(report)))
    for _, path, _ in written:
        require_writable(path)
    for warning in report.warnings:
        console.print(f"[yellow]note:[/yellow] {escape(warning)}", highlight=False)
    for what, path, content in written:
        write_whole(path, content)
        console.print(f"{what}: {escape(str(path))}", highlight=False, soft_wrap=True)
    return 0
