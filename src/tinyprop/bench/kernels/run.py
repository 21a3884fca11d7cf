"""Runs the kernel benchmark: each kernel alone on the emulated Cortex-M4F."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from tinyprop.bench.benchmark.config import BenchConfig
from tinyprop.bench.benchmark.run import DISTRIBUTIONS, estimate_rests_on
from tinyprop.bench.kernels.cases import CASES, SOURCES, Arrays, Case
from tinyprop.bench.kernels.cmsis_dsp import HEAD, HEADERS, TITLE, cmsis_dsp_files, library
from tinyprop.bench.kernels.layouts import LAYOUTS, LaidOut, laid_out
from tinyprop.bench.kernels.records import Compared, KernelReport
from tinyprop.bench.kernels.sweeps import SWEEPS, Curve, swept
from tinyprop.bench.kernels.workbench import OUR_KERNELS, Cost, Piece, workbench
from tinyprop.bench.progress import Advance
from tinyprop.codegen.source_tree import SourceTree
from tinyprop.errors import InternalError, UserError
from tinyprop.targets import Board, load_board
from tinyprop.targets.toolchain import installed_compilers

TOLERANCE = 1e-4  # between two orders of additions, on sums of at most 784 products below 1


@dataclass(frozen=True)
class Run:
    """One side of a case: what it cost and what it left."""

    cost: Cost
    arrays: Arrays


def run_kernels(advance: Advance, archive_folder: Path | None = None) -> KernelReport:
    """All cases, layouts and sweeps by every compiler that is installed. advance: told (stage, done, in all).

    archive_folder: where the archive of CMSIS-DSP is kept. Without it, ours is measured alone and the report says why.
    """
    config = BenchConfig()
    board = load_board(config.board)
    compilers = installed_compilers(board, config.toolchains)
    files, missing = _library_files(archive_folder)
    compared: list[Compared] = []
    layouts: list[LaidOut] = []
    curves: list[Curve] = []
    for done, toolchain in enumerate(compilers):
        advance("kernels", done, len(compilers))
        compared += compare(CASES, board, toolchain, files)
        advance("kernels", done + 1, len(compilers))
        advance("layouts", done, len(compilers))
        layouts += laid_out(LAYOUTS, board, toolchain)
        advance("layouts", done + 1, len(compilers))
        advance("cost against k", done, len(compilers))
        curves += swept(SWEEPS, board, toolchain)
        advance("cost against k", done + 1, len(compilers))
    return KernelReport(
        board=board.title,
        estimate=estimate_rests_on(board),
        library=TITLE if files else "",
        missing=missing,
        compared=tuple(compared),
        laid_out=tuple(layouts),
        curves=tuple(curves),
        compilers=compilers,
        versions={name: version(name) for name in DISTRIBUTIONS},
    )


def compare(cases: Sequence[Case], board: Board, toolchain: str, files: dict[str, str]) -> list[Compared]:
    """Ours beside theirs on the same numbers. files: the sources of CMSIS-DSP, {} for ours alone.

    Raises InternalError where the two do not compute the same.
    """
    values = [_values(case) for case in cases]
    ours = _runs([case.ours for case in cases], values, board, toolchain)
    if not files:
        return [_compared(case, toolchain, own, None, None) for case, own in zip(cases, ours, strict=True)]
    theirs, fused = (_theirs(cases, values, board, toolchain, files, fuse) for fuse in (False, True))
    for others in (theirs, fused):
        for case, own, other in zip(cases, ours, others, strict=True):
            _require_alike(case, own, other)
    rows = zip(cases, ours, theirs, fused, strict=True)
    return [_compared(case, toolchain, *sides) for case, *sides in rows]


def _compared(case: Case, toolchain: str, ours: Run, theirs: Run | None, fused: Run | None) -> Compared:
    return Compared(
        *(case.title, case.size, case.macs, toolchain, case.functions, case.differs),
        ours=ours.cost,
        theirs=None if theirs is None else theirs.cost,
        theirs_fused=None if fused is None else fused.cost,
    )


def _library_files(folder: Path | None) -> tuple[dict[str, str], str]:
    """Its files, or none and why."""
    try:
        return cmsis_dsp_files(folder), ""
    except UserError as error:
        return {}, str(error)


def _values(case: Case) -> Arrays:
    """Numbers between -1 and 1, the same each time, none of them zero."""
    random = np.random.default_rng(0)
    return {name: random.uniform(-1.0, 1.0, shape).astype(np.float32) for name, shape in case.inputs.items()}


def _theirs(
    cases: Sequence[Case], values: list[Arrays], board: Board, toolchain: str, files: dict[str, str], fuse: bool
) -> list[Run]:
    wanted = dict.fromkeys(function for case in cases for function in case.functions)
    sources = tuple(f"{SOURCES[function]}/{function}.c" for function in wanted)
    theirs = [case.theirs_from(arrays) for case, arrays in zip(cases, values, strict=True)]
    linked = library(files, sources, toolchain, fuse)
    return _runs([case.theirs for case in cases], theirs, board, toolchain, HEAD + HEADERS, linked)


def _runs(
    pieces: list[Piece],
    values: list[Arrays],
    board: Board,
    toolchain: str,
    head: str = OUR_KERNELS,
    linked: SourceTree | None = None,
) -> list[Run]:
    with workbench(pieces, board, toolchain, head, linked) as bench:
        return [Run(*bench.run(number, arrays)) for number, arrays in enumerate(values)]


def _require_alike(case: Case, own: Run, other: Run) -> None:
    for name in case.results:
        off = float(np.abs(own.arrays[name].reshape(-1) - other.arrays[name].reshape(-1)).max())
        if not off <= TOLERANCE:
            raise InternalError(f"{case.title} {case.size} and CMSIS-DSP differ by {off:g} in '{name}': no comparison.")
