"""Board records: complete, sourced, and refused with a sentence when they are not."""

import pytest

from tinyprop.errors import UserError
from tinyprop.targets.board import BOARD_FOLDER, board_names, load_board


@pytest.mark.parametrize("name", board_names())
def test_shipped_boards_load_under_their_own_name(name):
    board = load_board(name)
    assert board.name == name
    assert board.flash.bytes % 4096 == 0
    assert board.ram.bytes % 4096 == 0
    assert board.stack_bytes < board.ram.bytes


def test_nano33ble_is_what_its_maker_says():
    board = load_board("nano33ble")
    assert (board.cpu, board.clock_hz, board.fpu) == ("cortex-m4", 64_000_000, "fpv4-sp-d16")
    assert (board.flash.origin, board.flash.bytes) == (0, 1 << 20)
    assert (board.ram.origin, board.ram.end) == (0x2000_0000, 0x2004_0000)


def test_rp2040_is_what_its_maker_says():
    board = load_board("rp2040")
    assert (board.cpu, board.clock_hz, board.fpu) == ("cortex-m0plus", 133_000_000, "none")
    assert (board.flash.origin, board.flash.bytes, board.flash.read_offset) == (0x1000_0000, 2 << 20, 0)
    assert (board.ram.origin, board.ram.bytes) == (0x2000_0000, 264 << 10)


def test_esp32c3_is_what_its_maker_says():
    board = load_board("esp32c3")
    assert (board.cpu, board.clock_hz, board.fpu) == ("rv32imc", 160_000_000, "none")
    assert (board.flash.origin, board.flash.bytes) == (0x4200_0000, 4 << 20)
    assert board.flash.origin + board.flash.read_offset == 0x3C00_0000
    assert (board.ram.origin, board.ram.end) == (0x3FC8_0000, 0x3FCE_0000)


def test_nucleo_l4r5zi_is_what_its_maker_says():
    board = load_board("nucleo-l4r5zi")
    assert (board.cpu, board.clock_hz, board.fpu) == ("cortex-m4", 120_000_000, "fpv4-sp-d16")
    assert (board.flash.origin, board.flash.bytes) == (0x0800_0000, 2 << 20)
    assert (board.ram.origin, board.ram.bytes) == (0x2000_0000, 640 << 10)


def test_apollo4p_evb_is_what_zephyr_says():
    board = load_board("apollo4p-evb")
    assert (board.cpu, board.clock_hz, board.fpu) == ("cortex-m4", 192_000_000, "fpv4-sp-d16")
    assert (board.flash.origin, board.flash.bytes) == (0, 2 << 20)
    assert (board.ram.origin, board.ram.end) == (0x1000_0000, 0x102C_0000)


def test_unknown_board_suggests_the_nearest():
    with pytest.raises(UserError, match=r"unknown board 'nano33bel': did you mean 'nano33ble'\?"):
        load_board("nano33bel")


def test_own_board_file(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text((BOARD_FOLDER / "nano33ble.toml").read_text().replace('name = "nano33ble"', 'name = "own"'))
    assert load_board(own).name == load_board(str(own)).name == "own"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("clock_hz", "clock_mhz"), "missing required field `clock_hz`|unknown field `clock_mhz`"),
        (("bytes = 262_144", 'bytes = "much"'), "Expected `int`, got `str`"),
        (("[ram]", "[ram"), "not valid TOML"),
        (('kind = "unicorn"', 'kind = "bochs"'), "Invalid enum value 'bochs'"),
    ],
)
def test_faulty_board_file_is_named_with_its_fault(tmp_path, change, sentence):
    own = tmp_path / "own.toml"
    own.write_text((BOARD_FOLDER / "nano33ble.toml").read_text().replace(*change))
    with pytest.raises(UserError, match=rf"board file .*own\.toml: .*({sentence})"):
        load_board(own)


def test_missing_board_file():
    with pytest.raises(UserError, match=r"board file nowhere\.toml: cannot be read"):
        load_board("nowhere.toml")
