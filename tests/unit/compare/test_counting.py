"""Instructions of a run, estimated from a few steps counted on a board, against all of them counted."""

from dataclasses import replace

import numpy as np
import pytest

from tinyprop.bench.compare import jobs
from tinyprop.bench.compare.campaign import uncounted
from tinyprop.bench.compare.cell import Cell, Checkpoint, Outcome, Variant
from tinyprop.bench.compare.count import Count
from tinyprop.bench.compare.counting import STEPS, count
from tinyprop.bench.compare.energy import millijoules
from tinyprop.bench.compare.experiment import pretrain, trainer_of
from tinyprop.bench.compare.scenarios import SCENARIOS
from tinyprop.bench.compare.store import Row, Store, stored
from tinyprop.bench.compare.summary import summary
from tinyprop.errors import InternalError, UserError

CELL = Cell("digits_rotated", "cnn", "ours", Variant("ours"), 0.02, 0, 1, 1, 1)
RUN = 40  # steps


@pytest.mark.parametrize("variant", [Variant("ours"), Variant("full", {}, "last_layer")], ids=str)
def test_the_estimate_is_near_what_a_whole_run_takes(variant, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYPROP_CACHE", str(tmp_path))
    cell = replace(CELL, trains=variant)
    shipped = pretrain(cell)
    found = count(cell, shipped, "nano33ble")
    assert (found.cell, found.board, found.steps) == (cell, "nano33ble", STEPS)
    field = SCENARIOS[cell.scenario].make(cell.seed).field.of(np.arange(RUN))
    trainer, network = trainer_of(cell, shipped, field)
    traces = {}
    for target in ("host", "nano33ble"):
        with trainer.build(target) as engine:
            engine.set_weights(network.program.parameters)
            traces[target] = engine.fit(field.x, field.y, lr=cell.rate, progress=False)
            cycles = engine.training_cycles() if target == "nano33ble" else None
    host = traces["host"]
    parts = tuple(int(counted.sum()) for counted in (host.macs_forward, host.macs_backward, host.looks))
    end = Checkpoint(RUN, 50.0, sum(parts), (), parts)
    assert found.instructions(end) == pytest.approx(traces["nano33ble"].instructions.sum(), rel=0.05)
    assert found.core == "cortex_m4"
    assert found.cycles(end) == pytest.approx(cycles, rel=0.05)


def test_a_core_without_a_timing_table_has_no_cycles(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYPROP_CACHE", str(tmp_path))
    found = count(CELL, pretrain(CELL), "nucleo-f746zg")
    assert (found.core, found.cycles_per_forward, found.cycles_per_backward) == ("", None, None)
    assert found.cycles(Checkpoint(1, 50.0, 6, (), (1, 2, 3))) is None


def test_what_a_board_cannot_hold_and_what_is_no_board_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYPROP_CACHE", str(tmp_path))
    with pytest.raises(UserError, match="instructions cannot be counted on 'host': name a board"):
        count(CELL, pretrain(CELL), "host")


def test_a_board_that_breaks_down_is_one_sentence(monkeypatch):
    def broken(*_):
        raise InternalError("the emulation ended early")

    monkeypatch.setattr(jobs, "count", broken)
    assert jobs.on_board(CELL, b"", "nano33ble") == "the emulation ended early"


def test_counts_are_stored_beside_the_rows_of_any_store(tmp_path):
    path, one = tmp_path / "store.sqlite", Count(CELL, "nano33ble", 2.5, 3.0, 4, "0")
    with Store(path) as store:
        assert store.counts() == ()
        store.append_count(one, {"code": "0"})
        store.append_count(replace(one, per_forward=9.0), {"code": "1"})  # of the same cell and board: the first stays
        store.append_count(replace(one, board="rp2040"), {"code": "1"})
    assert stored(path) == ((), (one, replace(one, board="rp2040")))


def test_the_first_seed_of_each_is_counted_once_on_each_board(tmp_path):
    other = replace(CELL, variant="full", trains=Variant("full"))
    cells = tuple(replace(cell, seed=seed) for seed in (0, 1) for cell in (CELL, other))
    with Store(tmp_path / "store.sqlite") as store:
        assert uncounted(cells, "nano33ble", store) == (CELL, other)
        store.append_count(Count(CELL, "nano33ble", 2.5, 3.0, 4, "0"), {})
        assert uncounted(cells, "nano33ble", store) == (other,)
        assert uncounted(cells, "rp2040", store) == (CELL, other)


def test_costs_in_instructions_by_hand():
    def row(variant: str, curve: tuple[tuple[float, tuple[int, int, int]], ...]) -> Row:
        points = tuple(Checkpoint(10 * i, at, sum(parts), (), parts) for i, (at, parts) in enumerate(curve, start=1))
        cell = replace(CELL, variant=variant, trains=Variant(variant))
        return Row(cell, Outcome(50.0, curve[-1][0], None, None, 0.1, 0.5, 0.0, (), points, "h", ram_bytes=9_000), {})

    full = row("full", ((90.0, (100, 200, 0)),))
    skipping = row("full_zero_skip", ((90.0, (100, 50, 0)),))
    ours = row("ours", ((80.0, (40, 8, 2)), (90.0, (100, 16, 4))))
    cells = tuple(one.cell for one in (full, skipping, ours))
    counts = (Count(skipping.cell, "b", 2.0, 4.0, 4, "0"), Count(ours.cell, "b", 2.0, 5.0, 4, "0"))
    without, with_them = summary((full, skipping, ours), cells), summary((full, skipping, ours), cells, counts)
    assert [one.instructions for one in without] == [None] * 3
    assert with_them[0].instructions is None  # not counted
    assert with_them[1].instructions == (100 * 2 + 50 * 4) / 10
    assert with_them[2].instructions == (100 * 2 + 20 * 5) / 20
    assert with_them[2].instructions_to_accuracy == 300 / 400
    assert with_them[2].cost_to_accuracy == without[2].cost_to_accuracy == 120 / 150
    assert [one.cycles for one in with_them] == [None] * 3
    of_core = replace(counts[1], core="cortex_m4", cycles_per_forward=3.0, cycles_per_backward=6.0)
    with_energy = summary((full, skipping, ours), cells, (counts[0], of_core))[2]
    assert with_energy.cycles == (100 * 3 + 20 * 6) / 20
    # nRF52840: 3.3 mA at 3 V and 64 MHz
    assert dict(with_energy.millijoules) == {"nano33ble": pytest.approx(3.3 * 3.0 * with_energy.cycles / 64e6)}


def test_energy_is_known_of_boards_with_that_core_a_current_and_enough_ram():
    assert set(millijoules(1e6, "cortex_m4", 200_000)) == {"nano33ble"}
    assert millijoules(1e6, "cortex_m4", 262_144) == {}  # not with its stack
    assert millijoules(1e6, "cortex_m0plus", 9_000) == {}  # no current with a source
    assert millijoules(1e6, "", 9_000) == {}
