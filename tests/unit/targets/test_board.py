"""Board records: complete, sourced, and refused with a sentence when they are not."""

import re

import pytest

from tinyprop.errors import UserError
from tinyprop.targets.board import BOARD_FOLDER, TEMPLATE, FlashWrite, Power, board_names, load_board

POWER_IS_SOURCED = ["nano33ble", "nrf5340dk"]


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


@pytest.mark.parametrize(
    ("name", "core", "flash", "ram"),
    [
        ("nucleo-f446re", ("cortex-m4", 180, "fpv4-sp-d16"), (0x0800_0000, 512), (0x2000_0000, 128)),
        ("nucleo-f746zg", ("cortex-m7", 216, "fpv5-sp-d16"), (0x0800_0000, 1024), (0x2000_0000, 320)),
        ("nucleo-h743zi", ("cortex-m7", 480, "fpv5-d16"), (0x0800_0000, 2048), (0x2400_0000, 512)),
        ("b-u585i-iot02a", ("cortex-m33", 160, "fpv5-sp-d16"), (0x0800_0000, 2048), (0x2000_0000, 768)),
        ("nrf5340dk", ("cortex-m33", 128, "fpv5-sp-d16"), (0, 1024), (0x2000_0000, 512)),
        ("rp2350", ("cortex-m33", 150, "fpv5-sp-d16"), (0x1000_0000, 4096), (0x2000_0000, 520)),
        ("corstone-300", ("cortex-m55", 32, "fpv5-d16"), (0x1000_0000, 512), (0x3100_0000, 4096)),
    ],
)
def test_boards_are_what_their_makers_say(name, core, flash, ram):
    board = load_board(name)
    assert (board.cpu, board.clock_hz // 1_000_000, board.fpu) == core
    assert (board.flash.origin, board.flash.bytes >> 10) == flash
    assert (board.ram.origin, board.ram.bytes >> 10) == ram


@pytest.mark.parametrize(
    ("name", "blocks"),
    [
        ("nano33ble", (4096, 4, 10_000)),
        ("nrf5340dk", (4096, 4, 10_000)),
        ("nucleo-f446re", (128 << 10, 4, 10_000)),
        ("nucleo-f746zg", (256 << 10, 4, 10_000)),
        ("nucleo-h743zi", (128 << 10, 32, 10_000)),
        ("nucleo-l4r5zi", (4096, 8, 10_000)),
        ("b-u585i-iot02a", (8192, 16, 10_000)),
        ("rp2040", (4096, 256, 100_000)),
        ("rp2350", (4096, 256, 100_000)),
    ],
)
def test_flash_is_written_as_its_maker_says(name, blocks):
    flash = load_board(name).flash
    assert flash.write == FlashWrite(*blocks)
    assert flash.bytes % flash.write.block_bytes == 0 == flash.write.block_bytes % flash.write.unit_bytes


def test_what_has_no_source_is_left_blank():
    assert [name for name in board_names() if load_board(name).power] == POWER_IS_SOURCED
    assert load_board("apollo4p-evb").flash.write is None


@pytest.mark.parametrize("name", board_names())
def test_every_paragraph_of_figures_names_a_source(name):
    words = (
        "Datasheet",
        "Manual",
        "Specification",
        "Documentation",
        "manual",
        "chapter",
        "section",
        "map",
        "list above",
    )
    for paragraph in (BOARD_FOLDER / f"{name}.toml").read_text().split("\n\n"):
        if not paragraph.startswith(("[flags]", "[emulator]")):
            comments = " ".join(line.partition("#")[2] for line in paragraph.splitlines())
            assert any(word in comments for word in words) or "[ram]" in paragraph, paragraph


def test_energy_is_current_times_voltage_times_time():
    power = Power(clock_hz=64_000_000, milliamperes=3.3, volts=3.0, source="a table")
    assert power.millijoules(64_000_000) == pytest.approx(9.9)
    assert power.millijoules(640) == pytest.approx(9.9e-5)


def test_the_template_loads_as_it_is_and_with_everything_filled_in(tmp_path):
    own = tmp_path / "own.toml"
    own.write_bytes(TEMPLATE.read_bytes())
    board = load_board(own)
    assert (board.name, board.cpu, board.timing, board.power) == ("custom", "cortex-m4", "", None)
    filled = re.sub(
        r"^# ((timing|block_bytes|unit_bytes|cycles|clock_hz|milliamperes|volts|source) =|\[)",
        r"\1",
        TEMPLATE.read_text(),
        flags=re.MULTILINE,
    )
    own.write_text(filled)
    board, nano = load_board(own), load_board("nano33ble")
    assert (board.timing, board.flash, board.ram, board.flags) == (nano.timing, nano.flash, nano.ram, nano.flags)
    assert board.power.millijoules(1) == nano.power.millijoules(1)


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
