"""QEMU against Unicorn: two emulators, one firmware, one truth."""

import shutil

import numpy as np
import pytest

from tinyprop.errors import UserError
from tinyprop.targets import DeviceFault, EmulatedEngine, QemuEngine, load_board

MPS2 = load_board("mps2-an386")
TIMER_RESOLUTION = 40
needs_qemu = pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm not installed")


@needs_qemu
def test_same_weights_and_counts_within_the_timer(toy, toy_samples):
    with QemuEngine(toy(), (4,), MPS2) as qemu, EmulatedEngine(toy(), (4,), MPS2) as unicorn:
        traces = [engine.fit(*toy_samples, lr=0.3) for engine in (qemu, unicorn)]
        np.testing.assert_array_equal(qemu.parameters(), unicorn.parameters())
        assert qemu.stack_bytes() == unicorn.stack_bytes()
    assert np.abs(traces[0].instructions - traces[1].instructions).max() <= TIMER_RESOLUTION
    assert abs(traces[0].instructions.mean() - traces[1].instructions.mean()) < TIMER_RESOLUTION


@needs_qemu
def test_fault_ends_with_a_sentence(toy, toy_source, toy_samples):
    anchor = "    float delta[3];\n"
    broken = toy_source.replace(anchor, anchor + "    *(volatile uint32_t *)0xF0000000u = 1u;\n")
    with (
        QemuEngine(toy(source=broken), (4,), MPS2) as engine,
        pytest.raises(DeviceFault, match="the board in QEMU ended by itself"),
    ):
        engine.fit(*toy_samples)


@needs_qemu
def test_endless_loop_ends(toy, toy_source, toy_samples):
    anchor = "    float delta[3];\n"
    endless = toy_source.replace(anchor, anchor + '    while (x[0] != 1234.0f) { __asm__ volatile(""); }\n')
    with QemuEngine(toy(source=endless), (4,), MPS2, timeout_s=0.5) as engine:
        with pytest.raises(DeviceFault, match=r"the board in QEMU did not answer in 0\.5 s"):
            engine.fit(*toy_samples)
        assert engine._machine._process.returncode is not None  # no emulator left behind


@needs_qemu
def test_more_than_a_pipe_holds_goes_through(toy, toy_samples):
    x = np.tile(toy_samples[0], (100, 1))
    with QemuEngine(toy(), (4,), MPS2) as engine:
        assert engine.logits(x).shape == (15_000, 3)


def test_board_that_qemu_does_not_know(toy):
    with pytest.raises(UserError, match=r"QEMU does not know Arduino Nano 33 BLE: take 'mps2-an386'"):
        QemuEngine(toy(), (4,), load_board("nano33ble"))


def test_missing_qemu(toy, monkeypatch):
    monkeypatch.setattr("tinyprop.targets.qemu_machine.shutil.which", lambda _name: None)
    with pytest.raises(UserError, match="qemu-system-arm was not found: install the package qemu-system-arm"):
        QemuEngine(toy(), (4,), MPS2)


@needs_qemu
def test_corstone_300_counts_what_is_added(toy, sabotaged, toy_samples):
    """Its timer ticks every 31.25 instructions: 31,250 more in the source are as many in the count."""
    corstone = load_board("corstone-300")
    more = sabotaged('__asm__ volatile(".rept 31250\\n nop\\n .endr");')
    with QemuEngine(toy(), (4,), corstone) as plain, QemuEngine(more, (4,), corstone) as longer:
        counts = [engine.fit(*toy_samples, lr=0.3).instructions.astype(int) for engine in (plain, longer)]
    assert np.abs(counts[1] - counts[0] - 31_250).max() <= 2 * 32
