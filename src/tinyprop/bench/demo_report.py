"""From the demo's runs to its table, its JSON file and its report."""

import platform
from collections import defaultdict
from importlib.metadata import version

import msgspec
import numpy as np

from tinyprop.bench.demo import MethodRun
from tinyprop.bench.demo_config import DemoConfig
from tinyprop.bench.digits import SCENARIOS
from tinyprop.bench.report.demo.records import Check, DemoReport, InstructionSplit, KeptHistory, MemoryPicture, Row
from tinyprop.targets import load_board

SHOWN_METHOD = "tinyprop_v2"  # whose k over time is plotted


def rows_of(runs: tuple[MethodRun, ...], config: DemoConfig) -> tuple[Row, ...]:
    """One row per run: means over the seeds, counts from the board."""
    return tuple(_row(run, config) for run in runs)


def checks_of(runs: tuple[MethodRun, ...], config: DemoConfig) -> tuple[Check, ...]:
    """What the demo proves."""
    identical = sum(run.host[0].weight_hash == run.board.weight_hash for run in runs)
    differences = [run.autograd_difference for run in runs if run.autograd_difference is not None]
    hashes = defaultdict(set)
    for run in runs:
        if run.method in ("full", "full_zero_skip"):
            hashes[run.model, run.scenario].add(run.host[0].weight_hash)
    return (
        Check(
            "The emulated board computes what the host computes, bit for bit",
            identical == len(runs),
            f"weights after training identical in {identical} of {len(runs)} runs (SHA-256)",
        ),
        Check(
            "Full training equals PyTorch autograd",
            max(differences) <= config.tolerance,
            f"largest difference of any weight after one pass: {max(differences):.1e}, allowed {config.tolerance:.0e}",
        ),
        Check(
            "Leaving out exact zeros changes nothing",
            all(len(found) == 1 for found in hashes.values()),
            f"full and full, zeros skipped: identical weights in {sum(len(h) == 1 for h in hashes.values())} "
            f"of {len(hashes)} cases",
        ),
    )


def report_of(runs: tuple[MethodRun, ...], config: DemoConfig) -> DemoReport:
    """The whole page."""
    board = load_board(config.board)
    facts = (
        ("board", f"{board.title}, {board.cpu} at {board.clock_hz / 1e6:.0f} MHz, emulated by Unicorn"),
        ("seeds", ", ".join(map(str, config.seeds))),
        ("versions", ", ".join(f"{name} {version(name)}" for name in ("tinyprop", "torch", "numpy", "ziglang"))),
        ("machine", f"{platform.machine()}, Python {platform.python_version()}"),
    )
    notes = tuple(f"Scenario {name}: {make().summary}." for name, make in SCENARIOS.items())
    return DemoReport(
        title="tinyprop demo: digits on an emulated microcontroller",
        rows=rows_of(runs, config),
        facts=facts,
        config=config.text(),
        checks=checks_of(runs, config),
        kept=tuple(_kept(run) for run in runs if run.method == SHOWN_METHOD),
        instructions=_splits(runs),
        memory=_pictures(runs),
        notes=(*notes, "The data are a small stand-in that comes with scikit-learn, not a benchmark."),
    )


def json_of(runs: tuple[MethodRun, ...], config: DemoConfig) -> bytes:
    """{"rows", "checks", "config", "versions"}, the rows as in the table."""
    content = {
        "rows": rows_of(runs, config),
        "checks": checks_of(runs, config),
        "config": config,
        "versions": {
            name: version(name) for name in ("tinyprop", "torch", "numpy", "scikit-learn", "ziglang", "unicorn")
        },
    }
    return msgspec.json.format(msgspec.json.encode(content))


def _row(run: MethodRun, config: DemoConfig) -> Row:
    instructions = run.board.trace.instructions
    assert instructions is not None
    after = np.array([h.after for h in run.host])

    def mean(column: str) -> float:
        return float(np.mean([getattr(h, column) for h in run.host]))

    return Row(
        model=run.model,
        scenario=run.scenario,
        method=run.method,
        accuracy_before=mean("before"),
        accuracy_after=float(after.mean()),
        effort_bwd=mean("effort_bwd"),
        effort_total=mean("effort_total"),
        skipped=mean("skipped"),
        instructions_mean=float(instructions.mean()),
        instructions_max=int(instructions.max()),
        ram_bytes=run.board.ram_bytes,
        flash_bytes=run.board.flash_bytes,
        stack_bytes=run.board.stack_bytes,
        hash_host=run.host[0].weight_hash,
        hash_board=run.board.weight_hash,
        accuracy_after_sd=float(after.std(ddof=1)) if len(after) > 1 else 0.0,
        seeds=config.seeds,
        macs_forward=run.macs_forward,
        macs_backward=run.macs_backward,
    )


def _kept(run: MethodRun) -> KeptHistory:
    trace = run.host[0].trace
    return KeptHistory(run.model, run.scenario, run.method, run.layers, run.n, trace.kept, trace.skipped)


def _splits(runs: tuple[MethodRun, ...]) -> tuple[InstructionSplit, ...]:
    cases: dict[tuple[str, str], dict[str, dict[str, float]]] = defaultdict(dict)
    for run in runs:
        cases[run.model, run.scenario][run.method] = _per_step(run)
    return tuple(InstructionSplit(*case, by_method) for case, by_method in cases.items())


def _per_step(run: MethodRun) -> dict[str, float]:
    steps = len(run.board.trace)
    return {function: count / steps for function, count in run.board.by_function.items()}


def _pictures(runs: tuple[MethodRun, ...]) -> tuple[MemoryPicture, ...]:
    first = {run.model: run for run in reversed(runs) if run.method == SHOWN_METHOD}
    return tuple(MemoryPicture(model, run.memory_svg, run.memory_ascii) for model, run in first.items())
