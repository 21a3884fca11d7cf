"""The cuts themselves: the engine and an emulated flash, compiled for this machine and called case by case."""

import ctypes
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tinyprop.bench.power_loss.config import (
    BIT_FLIP,
    CUTS,
    PAIRS,
    SMALLEST,
    WEAK,
    WEAK_PAIRS,
    WEAKEST,
    Cut,
    PowerLossConfig,
)
from tinyprop.bench.power_loss.records import Geometry, PowerLossCase, PowerLossReport, SaveCost
from tinyprop.bench.power_loss.rewritten import rewritten
from tinyprop.bench.progress import Advance
from tinyprop.codegen.generate import tool_version
from tinyprop.codegen.source_tree import SourceTree
from tinyprop.errors import InternalError
from tinyprop.ir.graph import Program
from tinyprop.methods.optimizer import SGD
from tinyprop.surface import Network
from tinyprop.targets.compilation import compile_tree, link
from tinyprop.targets.firmware import C_FOLDER as BOARD_C
from tinyprop.targets.toolchain import host_compiler

C_FOLDER = Path(__file__).parent / "c"
EMULATED_FLASH = tuple(BOARD_C / f"emulated_flash.{kind}" for kind in "ch")
METHOD, MOMENTUM = "tinyprop_v2", 0.9  # a method and an optimizer that both remember something
STAGE = "cutting power"
DRAWS, RESTARTS = 16, 4  # that weak bits are given to hide, and to show themselves


COUNTS = ("tried", "lost", "mixed", "violations", "operations")


class _Geometry(ctypes.Structure):
    """power_loss_geometry of power_loss.c."""

    _fields_ = [(name, ctypes.c_uint32) for name in ("block", "unit", "erases", "slots")]


class _Counts(ctypes.Structure):
    """power_loss_counts of power_loss.c."""

    _fields_ = [(name, ctypes.c_uint64) for name in COUNTS]


class _Cost(ctypes.Structure):
    """power_loss_cost of power_loss.c."""

    _fields_ = [(name, ctypes.c_uint32) for name in ("state_bytes", "programmed", "erasures")]


class Bench:
    """The cuts of one network's state, compiled; `sources` may replace files of the engine, for tests."""

    def __init__(self, program: Program, sources: dict[str, str] | None = None) -> None:
        tree = Network(program).train(METHOD, optimizer=SGD(momentum=MOMENTUM)).sources
        paths = (*sorted(C_FOLDER.iterdir()), *EMULATED_FLASH)
        texts = {f"power_loss/{path.name}": path.read_text(encoding="utf-8") for path in paths}
        texts["power_loss/network.c"] = (
            f'#include "{tree.name}.h"\nextern const tp_program *const power_loss_program;\n'
            f"const tp_program *const power_loss_program = &{tree.name};\n"
        )
        files = {**tree.files, **texts, **(sources or {})}
        own = tuple(path for path in texts if path.endswith(".c"))
        whole = SourceTree(tree.name, files, (*tree.sources, *own), (*tree.include_dirs, "power_loss"))
        compiler = host_compiler()
        self.compiler = compiler.identity
        self._library = ctypes.CDLL(str(link(compile_tree(whole, compiler), compiler, ".so")))

    def cut(self, geometry: Geometry, cut: Cut) -> PowerLossCase:
        """Power goes once, at each operation of a save."""
        return self._case("power_loss_run", geometry, cut.name, cut.number, cut.draws)

    def cut_first(self, geometry: Geometry, cut: Cut) -> PowerLossCase:
        """Power goes at each operation of the first save of all; then a save has to end well."""
        return self._case("power_loss_run_first", geometry, f"{cut.name}, first save", cut.number, cut.draws)

    def cut_twice(self, geometry: Geometry, first: Cut, second: Cut) -> PowerLossCase:
        """And again, at each operation of the save after it."""
        name = f"{first.name}, then {second.name}"
        return self._case("power_loss_run_twice", geometry, name, first.number, second.number)

    def save_after(self, geometry: Geometry, first: Cut) -> PowerLossCase:
        """After the cut a save ends well, and has to stay."""
        return self._case(
            "power_loss_run_whole", geometry, f"{first.name}, then a whole save", first.number, DRAWS, RESTARTS
        )

    def flip_bits(self, geometry: Geometry, every: int) -> PowerLossCase:
        """One bit is turned in a slot that was whole."""
        return self._case("power_loss_flip_bits", geometry, BIT_FLIP, every)

    def save_cost(self, geometry: Geometry) -> SaveCost:
        """What one save writes into a slot in which everything differs."""
        cost = _Cost()
        self._call("power_loss_cost", geometry, ctypes.byref(cost))
        raw, block, unit = int(cost.state_bytes), geometry.block, geometry.unit
        erased = int(cost.erasures) * block
        raw_erased = -(-raw // block) * block if geometry.erases else 0
        return SaveCost(geometry.name, -(-raw // unit) * unit, int(cost.programmed) * unit, raw_erased, erased)

    def _case(self, function: str, geometry: Geometry, name: str, *arguments: int) -> PowerLossCase:
        counts, cost = _Counts(), _Cost()
        self._call(function, geometry, *map(ctypes.c_uint32, arguments), ctypes.byref(counts))
        self._call("power_loss_cost", geometry, ctypes.byref(cost))
        found = {field: int(getattr(counts, field)) for field in COUNTS}
        return PowerLossCase(geometry.name, name, state_bytes=int(cost.state_bytes), **found)

    def _call(self, function: str, geometry: Geometry, *arguments: object) -> None:
        given = _Geometry(geometry.block, geometry.unit, int(geometry.erases), geometry.slots)
        if getattr(self._library, function)(ctypes.byref(given), *arguments) != 0:
            raise InternalError(f"the emulated {geometry.name} could not be set up.")


def run_power_loss(advance: Advance, config: PowerLossConfig | None = None) -> PowerLossReport:
    """Every cut of the configuration; `advance` is told how many kinds are done."""
    config = config or PowerLossConfig()
    learning, small = Bench(config.learning), Bench(config.small)
    todo: list[Callable[[], PowerLossCase]] = []
    for geometry in config.geometries:
        todo += [partial(learning.cut, geometry, cut) for cut in CUTS]
        todo += [partial(small.cut_first, geometry, cut) for cut in CUTS]
        if geometry.slots == 2:
            todo.append(partial(learning.flip_bits, geometry, config.flip_every))
    todo += [partial(small.cut_twice, SMALLEST, first, second) for first, second in PAIRS]
    todo += [partial(small.cut_twice, WEAKEST, first, second) for first, second in WEAK_PAIRS]
    todo.append(partial(small.save_after, WEAKEST, WEAK))
    todo.append(partial(small.flip_bits, SMALLEST, 1))
    cases = []
    for number, case in enumerate(todo):
        advance(STAGE, number, len(todo))
        cases.append(case())
    advance(STAGE, len(todo), len(todo))
    saves = tuple(learning.save_cost(geometry) for geometry in config.geometries)
    shares = rewritten(config.learning) if config.measures_rewritten else ()
    return PowerLossReport(tool_version(), learning.compiler, tuple(cases), saves, shares)
