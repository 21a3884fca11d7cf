"""Flash that checkpoints take, and after how many years it is worn."""

import json
import re
from pathlib import Path

import pytest

from tinyprop.cli import app
from tinyprop.codegen.state import state_json, state_layout
from tinyprop.cost.wear import slot_plan
from tinyprop.errors import UserError
from tinyprop.ir.chain import chain
from tinyprop.ir.ops import Dense, ReLU
from tinyprop.surface import Network
from tinyprop.targets import load_board

PAGE = (Path(__file__).parents[3] / "docs" / "checkpoints.md").read_text()
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
