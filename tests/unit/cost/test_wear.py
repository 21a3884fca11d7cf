"""Flash that checkpoints and stores of samples take, and how it wears."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tinyprop import SampleStore, StoreFlash
from tinyprop.cli import app
from tinyprop.codegen.state import state_json, state_layout
from tinyprop.cost.wear import slot_plan, store_wear
from tinyprop.errors import UserError
from tinyprop.ir.chain import chain
from tinyprop.ir.ops import Dense, ReLU
from tinyprop.store import StoreSettings
from tinyprop.surface import Network
from tinyprop.targets import load_board

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "checkpoints.md").read_text(encoding="utf-8")
STORE_PAGE = (DOCS / "sample-store.md").read_text(encoding="utf-8")
NETWORK = Network(chain("digits", (64,), (Dense(64, 128), ReLU(), Dense(128, 64), ReLU(), Dense(64, 10))))


def test_years_by_hand():
    """A state of 1,000 words, two slots of one page of 4,096 bytes, 10,000 erasures each: 20,000 saves."""
    plan = slot_plan(load_board("nano33ble"), 1000, slots=2, saves_per_day=100)
    assert (plan.checkpoint, plan.slot, plan.region) == (4032, 4096, 8192)
    assert plan.years == pytest.approx(20_000 / 36_525)
    assert slot_plan(load_board("nano33ble"), 1017, slots=3).region == 3 * 8192
    assert slot_plan(load_board("nano33ble"), 1000, extra_bytes=65).slot == 8192


def test_boards_without_a_source_stay_blank():
    assert slot_plan(load_board("mps2-an386"), 1000) is None


@pytest.mark.parametrize(("wrong", "sentence"), [({"slots": 1}, "2 slots or more"), ({"saves_per_day": 0}, "above 0")])
def test_counts_that_cannot_be(wrong, sentence):
    with pytest.raises(UserError, match=sentence):
        slot_plan(load_board("nano33ble"), 1000, **wrong)


def test_the_command_says_what_the_page_shows(tmp_path, capsys):
    state = tmp_path / "digits_state.json"
    state.write_text(state_json(state_layout(NETWORK.train("ours").train_program)))
    [arguments, shown] = re.search(
        r"\$ tinyprop checkpoint plan firmware/digits_state.json (.*)\n((?:.+\n)+)```", PAGE
    ).groups()
    with pytest.raises(SystemExit):
        app(["checkpoint", "plan", str(state), *arguments.split(), "--json", str(tmp_path / "plan.json")])
    printed = capsys.readouterr().out
    assert [line.rstrip() for line in printed.splitlines()][: len(shown.splitlines())] == shown.splitlines()
    assert len(json.loads((tmp_path / "plan.json").read_text())["plans"]) == 3


@pytest.mark.parametrize("shelves", [None, 4, 12])
def test_a_store_wears_its_flash_as_expected(shelves):
    """Measured with ten classes that come equally often; a seldom class is a smaller reservoir, which wears less."""
    board = load_board("nano33ble")
    for share, spread in ((None, 0.15), ([0.5, 0.2, 0.1, 0.05, 0.05, 0.03, 0.03, 0.02, 0.01, 0.01], None)):
        store = SampleStore(100, 64, 10, bits=8, flash=StoreFlash(4096, 4, shelves), seed=2)
        stream = np.random.default_rng(3).choice(10, 20_000, p=share)
        slots = store.offer_all(np.zeros((20_000, 64)), stream)
        replaced = int((slots >= 0).sum()) - 100
        wear = store_wear(store.settings, board, 20_000)
        assert wear.of_a_block == wear.erased / store.settings.shelves.shelves
        if spread is not None:
            assert replaced == pytest.approx(wear.replaced, rel=spread)
            assert store.erased == pytest.approx(wear.erased, rel=spread, abs=store.settings.shelves.groups)
        else:
            assert replaced < wear.replaced + 100
            assert store.erased < 1.2 * wear.erased + store.settings.shelves.groups


@pytest.mark.parametrize(("column", "shelves"), [(0, 22), (1, 12)])
def test_the_documented_wear_is_measured_again(column, shelves):
    """The rows of up to 100,000 samples offered; a million by the same lines takes half a minute."""
    rows = re.findall(
        r"^\| ([\d,]+ offered: replaced|shelves erased), by the formula \|(.*)\|$", STORE_PAGE, re.MULTILINE
    )
    shown = [int(cells.split("|")[column].split(", ")[0].replace(",", "")) for _, cells in rows[:4]]
    store = SampleStore(500, 64, 10, bits=8, seed=1, flash=StoreFlash(4096, 4, shelves))
    labels = np.random.default_rng(0).integers(0, 10, 100_000)
    measured, replaced = [], -500
    for part in np.split(labels, [10_000]):
        replaced += int((store.offer_all(np.zeros((len(part), 64)), part) >= 0).sum())
        measured += [replaced, store.erased]
    assert measured == shown


def test_wear_by_hand():
    """400 samples on two shelves of 682 places and a spare one: 200 each, 483 replaced for each erasure."""
    settings = StoreSettings(400, (1,), 2, bits=32, flash=StoreFlash(16_384, 8, shelves=3))
    plan = settings.shelves
    assert (plan.record, plan.places, plan.group, plan.groups, plan.fewest) == (24, 682, 200, 2, 2)
    wear = store_wear(settings, load_board("nano33ble"), 400)
    assert (wear.replaced, wear.erased, wear.of_a_block, wear.promised) == (0, 2, 2 / 3, 10_000)
    assert store_wear(settings, load_board("nano33ble"), 200).erased == 1
    more = store_wear(settings, load_board("nano33ble"), 4000)
    assert more.erased == pytest.approx(2 + 400 * np.log(10) / 483)
    with pytest.raises(UserError, match="RAM, which does not wear"):
        store_wear(StoreSettings(400, (1,), 2), load_board("nano33ble"), 400)
