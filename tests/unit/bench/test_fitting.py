"""`tinyprop fit`: needs, counts, estimates and suggestions, on boards cut down until a small network is too large."""

import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from rich.console import Console
from torch import nn

import tinyprop
from tinyprop.bench.boards_command import sourced
from tinyprop.bench.fit_command import chosen_boards, fit_command
from tinyprop.bench.fitting.counting import count, reason_not_counted
from tinyprop.bench.fitting.records import Setup
from tinyprop.bench.fitting.run import fit_boards
from tinyprop.codegen.golden import golden_samples
from tinyprop.errors import UserError
from tinyprop.methods import TinyPropV2
from tinyprop.store import StoreSettings
from tinyprop.targets import board_names, load_board
from tinyprop.targets.board import TEMPLATE, Emulator
from tinyprop.targets.fit import Fit

NANO = load_board("nano33ble")
ASKED = Setup(TinyPropV2(), momentum=0.5)
ROOT = Path(__file__).parents[3]
FIRST, PLAIN = "momentum=0", Setup(TinyPropV2())


@pytest.fixture(scope="module")
def network() -> tinyprop.Network:
    torch.manual_seed(0)
    layers = (nn.Linear(64, 40), nn.ReLU(), nn.Linear(40, 24), nn.ReLU(), nn.Linear(24, 10))
    return tinyprop.capture(nn.Sequential(*layers).eval(), torch.zeros(1, 64), name="tiny")


def silent(_stage: str, _done: int, _total: int) -> None:
    pass


def nano_with(**bytes_of: int):
    memories = {name: replace(getattr(NANO, name), bytes=size) for name, size in bytes_of.items()}
    return replace(NANO, name="cut", **memories)


@pytest.fixture(scope="module")
def on_nano(network):
    [row] = fit_boards(network, ASKED, (NANO,), advance=silent)
    return row


def test_needs_are_those_of_the_image_that_is_built(network, on_nano):
    with ASKED.trainer(network).build("nano33ble") as engine:
        assert on_nano.fit == engine.firmware.fit()
    assert on_nano.fit.fits
    assert on_nano.changes == on_nano.larger == ()


def test_counts_are_those_of_the_engine(network, on_nano):
    trainer = ASKED.trainer(network)
    samples, truths = golden_samples(trainer.train_program)
    with trainer.build("nano33ble") as engine:
        assert on_nano.counts.inference == engine.infer_instructions(samples).mean()
        trace = engine.fit(samples, truths, lr=0.01, progress=False)
        assert on_nano.counts.training == trace.instructions.mean()
        assert on_nano.training_cycles == engine.training_cycles() / len(samples)
        assert on_nano.inference_cycles == engine.inference_cycles() / len(samples)


def test_seconds_and_millijoules_by_hand(on_nano):
    cycles = on_nano.training_cycles
    assert on_nano.seconds(cycles) == pytest.approx(cycles / 64e6)
    assert on_nano.millijoules(cycles) == pytest.approx(3.3 * 3.0 * cycles / 64e6)


def test_boards_with_one_core_share_its_counts(network, on_nano):
    boards = (load_board("nucleo-l4r5zi"), load_board("nucleo-f446re"))
    l4r5, f446 = fit_boards(network, ASKED, boards, advance=silent)
    assert l4r5.counts == f446.counts
    assert l4r5.counts.board == "nucleo-f446re"  # which has a timing table
    assert l4r5.counts.training == on_nano.counts.training
    assert count(ASKED.trainer(network), boards[0]).training == on_nano.counts.training  # counted on its own: the same
    assert l4r5.training_cycles is None is l4r5.seconds(None)
    assert f446.seconds(f446.training_cycles) == pytest.approx(on_nano.training_cycles / 180e6)
    assert f446.millijoules(f446.training_cycles) is None


def test_what_no_emulator_runs_is_left_blank(network):
    unknown = replace(NANO, name="own", cpu="cortex-m23", emulator=Emulator("unicorn"))
    [row] = fit_boards(network, ASKED, (unknown,), advance=silent)
    assert row.fit.fits
    assert row.counts is row.training_cycles is row.millijoules(row.training_cycles) is None
    assert row.uncounted == reason_not_counted(unknown) == "no emulator of a cortex-m23 that tinyprop knows"


def test_every_single_change_that_helps_is_named_and_does_help(network, on_nano):
    needed = on_nano.fit.ram_bytes
    board = nano_with(ram=needed - 8)
    [row] = fit_boards(network, ASKED, (board,), advance=silent)
    assert row.fit.ram_left == -8
    assert row.counts.board == "apollo4p-evb"  # the cut board holds no image to count: the first that does
    found = {change.what: change.fit for change in row.changes}
    assert list(found) == [FIRST, 'trainable="last_block"', 'trainable="last_layer"', 'trainable="biases"']
    for what, setup in (
        (FIRST, PLAIN),
        ('trainable="last_layer"', Setup(TinyPropV2(), momentum=0.5, trainable=("last_layer",))),
    ):
        with setup.trainer(network).build("nano33ble") as engine:
            assert found[what] == Fit(board, *_sizes(engine))
    assert row.larger[0] != "cut"


def _sizes(engine) -> tuple[int, int]:
    fit = engine.firmware.fit()
    return fit.flash_bytes, fit.ram_bytes


def test_flash_that_is_short_asks_for_small_kernels(network, on_nano):
    [row] = fit_boards(network, ASKED, (nano_with(flash=on_nano.fit.flash_bytes - 4),), advance=silent)
    assert row.changes[0].what == 'kernels="size"'
    assert row.changes[0].fit.flash_bytes < on_nano.fit.flash_bytes
    assert row.changes[0].fit.ram_bytes == on_nano.fit.ram_bytes


def test_changes_are_combined_where_one_is_not_enough(network, on_nano):
    setup = Setup(TinyPropV2(), momentum=0.0, kernels="size", trainable=("biases",))
    with setup.trainer(network).build("nano33ble") as engine:
        flash, ram = _sizes(engine)
    assert ram < on_nano.fit.ram_bytes
    [row] = fit_boards(network, ASKED, (nano_with(flash=flash, ram=ram),), advance=silent)
    assert [change.what for change in row.changes] == ['kernels="size", momentum=0, trainable="biases"']
    assert row.changes[0].fit.flash_left == row.changes[0].fit.ram_left == 0


def test_where_nothing_helps_the_nearest_is_named(network):
    [row] = fit_boards(network, ASKED, (nano_with(ram=4096),), advance=silent)
    [nearest] = row.changes
    assert not nearest.fit.fits
    assert 0 < nearest.fit.missing_bytes < row.fit.missing_bytes


def test_what_is_smallest_already_has_no_change(network):
    smallest = Setup(TinyPropV2(), kernels="size", trainable=("biases",))
    [row] = fit_boards(network, smallest, (nano_with(ram=4096),), advance=silent)
    assert "kernels" not in "".join(change.what for change in row.changes)


def printed(network, asked, boards, **more) -> tuple[int, str]:
    console = Console(file=StringIO(), width=100)
    status = fit_command(console, network, asked, boards, **more)
    return status, console.file.getvalue()


def test_the_command_prints_and_writes_the_same(network, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(TEMPLATE.read_text().replace("262_144", "16_384"))
    status, text = printed(network, ASKED, ("nano33ble", str(own), "nano33ble"), json_path=tmp_path / "fit.json")
    assert status == 0
    nano, cut = json.loads((tmp_path / "fit.json").read_text())
    assert (nano["board"], nano["fits"], cut["board"], cut["fits"]) == ("nano33ble", True, "custom", False)
    assert cut["ram_left"] == 16_384 - cut["ram_bytes"] < 0
    assert f"{cut['ram_left']:,}" in text
    assert f"custom: {-cut['ram_left']:,} bytes of RAM too many" in text
    assert f"{nano['instructions_training']:,.0f}" in text
    assert "nano33ble, mJ: nRF52840 Product Specification" in text
    assert cut["seconds_training"] is None is cut["millijoules_training"]
    assert cut["counted_on"] == "nano33ble"
    for change in cut["changes"]:
        assert change["change"] in text
    assert {"change", "fits", "ram_left", "flash_left"} <= set(cut["changes"][0])
    assert printed(network, ASKED, (str(own),))[0] == 1


def test_a_store_is_counted_as_ram(network, on_nano):
    store = StoreSettings(50, (64,), 10, 8)
    [row] = fit_boards(network, ASKED, (NANO,), store=store, advance=silent)
    assert row.fit.ram_bytes == on_nano.fit.ram_bytes + store.bytes
    assert row.counts == on_nano.counts
    assert f"{store}; counted as RAM." in printed(network, ASKED, ("nano33ble",), store=store)[1]


def test_a_store_of_latents_is_counted_for_each_choice_of_what_trains(network):
    store, asked = StoreSettings(50, (64,), 10, 8), Setup(TinyPropV2(), trainable=("2", "4"), latent=True)
    with asked.trainer(network).build("nano33ble") as engine:
        needed = engine.firmware.fit().ram_bytes  # with a sample and a latent
    kept = store.of_latents(40)
    assert kept.bytes == -(-(28 + 8 * 10 + 50 * (2 + 40)) // 4) * 4
    [row] = fit_boards(network, asked, (NANO,), store=store, advance=silent)
    assert row.fit.ram_bytes == needed + kept.bytes
    [row] = fit_boards(network, asked, (nano_with(ram=needed - 8),), store=store, advance=silent)
    [change] = row.changes
    assert change.what == 'trainable="last_layer"'  # nothing is frozen before biases
    with Setup(TinyPropV2(), trainable=("last_layer",), latent=True).trainer(network).build("nano33ble") as engine:
        assert change.fit.ram_bytes == engine.firmware.fit().ram_bytes + store.of_latents(24).bytes
    text = printed(network, asked, ("nano33ble",), store=store)[1]
    assert f"{kept}; counted as RAM." in text
    with pytest.raises(UserError, match="latent"):
        printed(network, Setup(TinyPropV2(), latent=True), ("nano33ble",), store=store)


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (("nano33bel",), "unknown board 'nano33bel': did you mean 'nano33ble'"),
        (("all", "nano33ble"), "--boards was given 'all' and 1 more: pass 'all' alone, or names"),
        ((), "--boards names no board: pass 'all', names from `tinyprop boards`, or .toml files"),
        (("nowhere.toml",), "board file nowhere.toml: cannot be read"),
    ],
)
def test_boards_are_refused_in_a_sentence(names, sentence):
    with pytest.raises(UserError) as refused:
        chosen_boards(names)
    assert sentence in str(refused.value)


def test_what_cannot_be_trained_is_refused_before_anything_is_built(network, tmp_path, monkeypatch):
    monkeypatch.setattr("tinyprop.bench.fit_command.fit_boards", lambda *_, **__: pytest.fail("built"))
    with pytest.raises(UserError, match="no layer is called 'heads'"):
        printed(network, Setup(TinyPropV2(), trainable=("heads",)), ("nano33ble",), json_path=tmp_path / "a" / "b.json")
    assert not any(tmp_path.iterdir())


def test_golden_samples_are_half_zeros(network):
    samples, truths = golden_samples(PLAIN.trainer(network).train_program)
    assert samples.shape == (3, 64)
    assert 0.3 < np.mean(samples == 0) < 0.7
    assert truths.tolist() == [0, 1, 2]


def test_what_the_page_shows_is_the_committed_result():
    rows = {row["board"]: row for row in json.loads((ROOT / "results/fit.json").read_text())}
    assert set(rows) == set(board_names())
    page = (ROOT / "docs/boards.md").read_text()
    shown = page[page.index("Bytes of the linked image") : page.index("## A board of your own")]
    for name in ("nano33ble", "nrf5340dk", "corstone-300"):
        held, cost = [line.split() for line in shown.splitlines() if line.startswith(f"{name} ")]
        sizes = [f"{rows[name][key]:,}" for key in ("ram_bytes", "ram_left", "flash_bytes", "flash_left")]
        assert held == [name, "yes" if rows[name]["fits"] else "no", *sizes]
        assert cost[1:3] == [f"{rows[name][f'instructions_{what}']:,.0f}" for what in ("training", "inference")]
    assert f"{1e3 * rows['nano33ble']['seconds_training']:.3g}" in shown
    assert f"{rows['nano33ble']['millijoules_training']:.3g}" in shown


@pytest.mark.parametrize("name", board_names())
def test_the_page_has_a_line_for_every_board(name):
    board = load_board(name)
    [line] = [line for line in (ROOT / "docs/boards.md").read_text().splitlines() if line.startswith(f"| `{name}` ")]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    sizes = [f"{board.clock_hz // 1_000_000} MHz", f"{board.ram.bytes >> 10} KiB", f"{board.flash.bytes >> 10} KiB"]
    assert cells[3:6] == sizes
    assert cells[6].lower() == board.emulator.kind
    assert [bool(cell) for cell in cells[7:]] == [word in sourced(board) for word in ("time", "energy", "write")]
