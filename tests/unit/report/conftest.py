"""A store of made-up runs: two scenarios, three methods, one with a hostile name."""

from dataclasses import replace
from pathlib import Path

import pytest

from tinyprop.bench.compare.cell import Cell, Checkpoint, Outcome, Variant
from tinyprop.bench.compare.store import Row, Store

HOSTILE = '<script>alert("1")</script>|`x`'
VARIANTS = {
    "full": Variant("full"),
    "full_zero_skip": Variant("full_zero_skip"),
    "last_layer": Variant("full", {}, "last_layer"),
    "tinyprop_v2": Variant("tinyprop_v2"),
    HOSTILE: Variant("ours", {"drop": 0.25}),
}
DROP = {"full": 0.0, "full_zero_skip": 0.0, "last_layer": 9.0, "tinyprop_v2": 0.5, HOSTILE: 1.5}
EFFORT = {"full": 1.0, "full_zero_skip": 0.4, "last_layer": 0.1, "tinyprop_v2": 0.09, HOSTILE: 0.05}
KEPT = {"full": 1.0, "full_zero_skip": 0.5, "last_layer": 0.0, "tinyprop_v2": 0.2, HOSTILE: 0.1}
CASES = (("digits_rotated", "mlp"), ("digits_new_classes", "cnn"))


def outcome(variant: str, seed: int) -> Outcome:
    """Full training ends at 90 + seed; the others below it, and a little more so with each seed."""
    after = 90.0 + seed - DROP[variant] * (1 + 0.1 * seed)
    macs = int(1000 * EFFORT[variant])
    curve = tuple(
        Checkpoint(50 * i, 60 + (after - 60) * i / 4, macs * i, (KEPT[variant] / i if KEPT[variant] < 1 else 1.0, 1.0))
        for i in range(1, 5)
    )
    skipped = 0.5 if variant in ("tinyprop_v2", HOSTILE) else 0.0
    return Outcome(
        60.0, after, 97.0, 90.0 - seed, EFFORT[variant], 0.3 + 0.7 * EFFORT[variant], skipped, (1.0, 1.0), curve, "h",
        ("conv<1>", "head"),
    )  # fmt: skip


def row(scenario: str, model: str, variant: str, seed: int) -> Row:
    cell = Cell(scenario, model, variant, VARIANTS[variant], 0.05, seed, 25, 4, 4)
    return Row(cell, outcome(variant, seed), {"code": "a" * 64, "data": f"{seed}" * 64, "torch": "9.9"})


@pytest.fixture
def rows() -> tuple[Row, ...]:
    return tuple(row(*case, variant, seed) for seed in range(3) for case in CASES for variant in VARIANTS)


@pytest.fixture
def store(tmp_path: Path, rows: tuple[Row, ...]) -> Path:
    return written(tmp_path / "store.sqlite", rows)


def written(path: Path, rows: tuple[Row, ...]) -> Path:
    with Store(path) as store:
        for one in rows:
            store.append(one)
    return path


def changed(one: Row, **cell: object) -> Row:
    return replace(one, cell=replace(one.cell, **cell))
