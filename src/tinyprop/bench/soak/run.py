"""The long lives: on this machine as a library, on a board as firmware whose one piece is a stretch of them."""

import ctypes
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tinyprop.bench.kernels.workbench import Piece, workbench
from tinyprop.bench.power_loss.run import EMULATED_FLASH
from tinyprop.bench.progress import Advance
from tinyprop.bench.soak.config import HOST, SoakConfig
from tinyprop.bench.soak.records import SoakReport, SoakRun
from tinyprop.codegen.generate import tool_version
from tinyprop.codegen.source_tree import SourceTree
from tinyprop.methods.optimizer import SGD
from tinyprop.surface import Network
from tinyprop.targets import load_board
from tinyprop.targets.compilation import compile_tree, link
from tinyprop.targets.toolchain import host_compiler

C_FOLDER = Path(__file__).parent / "c"
COUNTS = (
    *("steps", "replayed", "bad_samples", "saves", "cuts", "resets", "lost", "wrong", "mismatches", "crc"),
    "violations",
)
# The counts leave the board as floats, 16 bits in each, which floats hold exactly.
PIECES = (
    Piece({"out": (2 * len(COUNTS),)}, "soak_start(kept);"),
    Piece(
        {"out": (2 * len(COUNTS),)},
        "const soak_counts *counts = soak_run(kept);\n"
        "const uint32_t *word = (const uint32_t *)counts;\n"
        f"for (uint32_t i = 0U; i < {len(COUNTS)}U; ++i) {{\n"
        "    out[2U * i] = (float)(word[i] >> 16);\n"
        "    out[2U * i + 1U] = (float)(word[i] & 0xFFFFU);\n"
        "}",
    ),
)
TENTHS = 10
HEAD = '#include "soak.h"'


class _Life(NamedTuple):
    """start(seed); run(steps) → counts, as COUNTS names them; size() → bytes that must not grow, by `grain` or more."""

    start: Callable[[int], None]
    run: Callable[[int], tuple[int, ...]]
    size: Callable[[], int]
    grain: int


def run_soak(advance: Advance, config: SoakConfig | None = None) -> SoakReport:
    """Every method on every target; `advance` is told the steps done."""
    config = config or SoakConfig()
    runs = [
        _soaked(advance, config, method, target, steps) for method in config.methods for target, steps in config.steps
    ]
    return SoakReport(tool_version(), host_compiler().identity, config.seed, tuple(runs))


def _soaked(advance: Advance, config: SoakConfig, method: str, target: str, steps: int) -> SoakRun:
    trainer = Network(config.network).train(method, optimizer=SGD(momentum=config.momentum))
    part = steps // config.parts
    with (_on_host if target == HOST else _on_board)(trainer.sources, target) as life:
        life.start(config.seed)
        early, crc_at = 0, []
        for done in range(1, config.parts + 1):
            counts = dict(zip(COUNTS, life.run(part), strict=True))
            if done % (config.parts // TENTHS) == 0:
                crc_at.append((done * part, f"{counts['crc']:08x}"))
            early = life.size() if done == config.parts // TENTHS else early
            advance(f"{method}, {target}", done * part, steps)
        growth = (life.size() - early) // life.grain * life.grain
    crc = f"{counts.pop('crc'):08x}"
    stack = 0 if target == HOST else early
    return SoakRun(
        target,
        method,
        comparisons=config.parts,
        crc=crc,
        crc_at=tuple(crc_at),
        stack_bytes=stack,
        growth=growth,
        **counts,
    )


def _tree(tree: SourceTree) -> SourceTree:
    """`tree` with the two devices; the public calls of the engine come from the workbench, or are added."""
    paths = (*sorted(C_FOLDER.iterdir()), *EMULATED_FLASH)
    texts = {f"soak/{path.name}": path.read_text(encoding="utf-8") for path in paths}
    texts["soak/soak_network.h"] = (
        f'#include "{tree.name}.h"\n#define SOAK_NETWORK {tree.name}\ntypedef {tree.name}_memory soak_memory;\n'
    )
    own = tuple(path for path in texts if path.endswith(".c"))
    return SourceTree(tree.name, {**tree.files, **texts}, (*tree.sources, *own), (*tree.include_dirs, "soak"))


@contextmanager
def _on_host(tree: SourceTree, target: str) -> Iterator[_Life]:
    compiler = host_compiler()
    library = ctypes.CDLL(str(link(compile_tree(_tree(tree), compiler), compiler, ".so")))
    library.soak_run.restype = ctypes.POINTER(ctypes.c_uint32)
    yield _Life(
        start=lambda seed: library.soak_start(ctypes.c_uint32(seed)),
        run=lambda steps: tuple(library.soak_run(ctypes.c_uint32(steps))[: len(COUNTS)]),
        size=_resident_bytes,
        grain=2**22,  # what Python itself does is below that; the engine has no heap
    )


def _resident_bytes() -> int:
    """The largest this process ever was."""
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * 1024


@contextmanager
def _on_board(tree: SourceTree, target: str) -> Iterator[_Life]:
    whole = _tree(tree)
    sources = tuple(path for path in whole.sources if path != "engine/src/tp_api.c")  # the workbench has it
    library = SourceTree(whole.name, whole.files, sources, whole.include_dirs)
    with workbench(PIECES, load_board(target), "zig", HEAD, library) as bench:

        def run(steps: int) -> tuple[int, ...]:
            halves = bench.run(1, {}, steps)[1]["out"].astype(np.int64).reshape(-1, 2)
            return tuple(int(high) << 16 | int(low) for high, low in halves)

        def start(seed: int) -> None:
            bench.run(0, {}, seed)

        yield _Life(start, run, bench.stack_bytes, grain=1)
