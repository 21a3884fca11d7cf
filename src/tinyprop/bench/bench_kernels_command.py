"""`tinyprop bench-kernels`: kernels beside CMSIS-DSP's and in other layouts, cost against k: printed, drawn, JSON."""

from pathlib import Path

from rich.console import Console

from tinyprop.bench.atomic_file import require_writable, write_whole
from tinyprop.bench.kernels.figure import picture
from tinyprop.bench.kernels.json_file import json_of
from tinyprop.bench.kernels.run import run_kernels
from tinyprop.bench.kernels.table import curves_table, kernels_table, layouts_table, notes
from tinyprop.bench.progress import stage_progress
from tinyprop.errors import UserError


def bench_kernels_command(console: Console, *, json_path: Path | None, picture_path: Path | None) -> int:
    """Exit status 0. Raises UserError for a picture that is neither .png nor .svg."""
    if picture_path is not None and picture_path.suffix not in (".png", ".svg"):
        raise UserError(f"the picture is '{picture_path}': name a .png or .svg file.")
    for path in (json_path, picture_path):
        if path is not None:
            require_writable(path)
    with stage_progress(console) as advance:
        report = run_kernels(advance)
    for toolchain in report.compilers:
        console.print(kernels_table(report, toolchain))
    for toolchain in report.compilers:
        console.print(layouts_table(report, toolchain))
    console.print(curves_table(report))
    for line in notes(report):
        console.print(line, highlight=False)
    if json_path is not None:
        write_whole(json_path, json_of(report))
        console.print(f"counts: {json_path}", highlight=False)
    if picture_path is not None:
        write_whole(picture_path, picture(report.curves, picture_path.suffix[1:]))
        console.print(f"picture: {picture_path}", highlight=False)
    return 0
