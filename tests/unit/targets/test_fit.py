"""Fit: the one place where an image is held against a board."""

import pytest
from msgspec.structs import replace

from tinyprop.errors import UserError
from tinyprop.targets import board_names, build, load_board
from tinyprop.targets.firmware import build_firmware, link_firmware
from tinyprop.targets.fit import Fit, boards_that_hold, require_fit

NANO = load_board("nano33ble")


def smaller(flash_bytes=NANO.flash.bytes, ram_bytes=NANO.ram.bytes):
    return replace(NANO, flash=replace(NANO.flash, bytes=flash_bytes), ram=replace(NANO.ram, bytes=ram_bytes))


def test_what_is_left_and_what_is_missing():
    exact, over = Fit(NANO, 1 << 20, 1 << 18), Fit(NANO, (1 << 20) + 3, (1 << 18) + 5)
    assert (exact.flash_left, exact.ram_left, exact.missing_bytes, exact.fits) == (0, 0, 0, True)
    assert (over.flash_left, over.ram_left, over.missing_bytes, over.fits) == (-3, -5, 8, False)
    assert not Fit(NANO, (1 << 20) + 1, 0).fits
    assert not Fit(NANO, 0, (1 << 18) + 1).fits
    assert str(Fit(NANO, 1_000_000, 262_000)) == "48,576 bytes of flash and 144 of RAM left"
    assert "3 bytes of flash too many (1,048,579 of 1,048,576) and 5 bytes of RAM too many (262,149 of" in str(over)


def test_the_last_byte_counts_as_when_building(toy):
    fit = link_firmware(toy(), NANO, "dwt").fit()
    assert build_firmware(toy(), smaller(fit.flash_bytes, fit.ram_bytes), "dwt").fit().fits
    for board in (smaller(ram_bytes=fit.ram_bytes - 8), smaller(flash_bytes=fit.flash_bytes - 4)):
        assert link_firmware(toy(), board, "dwt").fit().missing_bytes in (4, 8)
        with pytest.raises(UserError, match=r"the network 'toy' does not fit Arduino Nano 33 BLE: [48] bytes of"):
            build_firmware(toy(), board, "dwt")


def test_a_sample_its_outputs_the_stack_and_a_store_are_counted(toy):
    firmware = link_firmware(toy(), NANO, "dwt")
    variables = firmware.ram_end - NANO.ram.origin
    assert firmware.fit().ram_bytes == variables + 4 * (4 + 3) + NANO.stack_bytes
    assert firmware.fit(1000).ram_bytes == firmware.fit().ram_bytes + 1000
    assert firmware.fit(1000).flash_bytes == firmware.fit().flash_bytes


def test_boards_that_hold_come_smallest_first():
    names = boards_that_hold(Fit(NANO, 600_000, 300_000))
    assert {"nano33ble", "rp2040", "nucleo-f446re"}.isdisjoint(names)
    assert names[:2] == ("nucleo-f746zg", "esp32c3")
    assert boards_that_hold(Fit(NANO, 0, 0))[0] == "nucleo-f446re"
    assert set(boards_that_hold(Fit(NANO, 0, 0))) == set(board_names())
    with pytest.raises(UserError, match="no board tinyprop knows is large enough, or make"):
        require_fit(Fit(NANO, 1 << 30, 1), "toy")


def test_building_for_a_board_refuses_with_the_same_words(toy):
    with pytest.raises(UserError, match=r"bytes of RAM too many \([\d,]+ of 262,144\), a sample and a stack of 8,192"):
        build(toy(spare_floats=70_000), (4,), "nano33ble")
