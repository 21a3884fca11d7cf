"""Boards in emulators behind a pseudo-terminal, talked to as a user would: pyserial, the commands, resets, push."""

import json
import re
import shutil
import struct

import numpy as np
import pytest
import serial
from rich.console import Console

from line_in_memory import MemoryPort, fault_at
from tinyprop.bench.device_command import emulate_command, open_line
from tinyprop.checkpoint import decode
from tinyprop.cli import app
from tinyprop.codegen.state import state_layout
from tinyprop.device import DeviceLine, DeviceRefused, DeviceRestarted
from tinyprop.device.emulated import BLOCK_BYTES, SLOTS, EmulatedDevice, PseudoTerminal
from tinyprop.device.frame import Frame, encode_frame
from tinyprop.device.line import Request
from tinyprop.errors import UserError
from tinyprop.ir.chain import chain
from tinyprop.ir.ops import Dense, ReLU
from tinyprop.methods.optimizer import SGD
from tinyprop.surface import Network
from tinyprop.targets import load_board
from tinyprop.targets.firmware import C_FOLDER

NETWORK = Network(chain("lined", (40,), (Dense(40, 12), ReLU(), Dense(12, 4))))
needs_qemu = pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm not installed")
BOARDS = ["nano33ble", "rp2040", "esp32c3", pytest.param("mps2-an386", marks=needs_qemu)]


def trainer():
    return NETWORK.train("tinyprop_v2", optimizer=SGD(momentum=0.5))


def lessons(n=8):
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, 40)).astype(np.float32), rng.integers(0, 4, n)


def emulated(board, push=True):
    made = trainer()
    return EmulatedDevice(made.sources, state_layout(made.train_program), load_board(board), push=push)


def test_its_flash_is_as_large_as_its_firmware_has_it():
    text = (C_FOLDER / "line.c").read_text(encoding="utf-8")
    sizes = dict(re.findall(r"#define (BLOCK_BYTES|SLOTS) (\d+)u", text))
    assert sizes == {"BLOCK_BYTES": str(BLOCK_BYTES), "SLOTS": str(SLOTS)}


@pytest.mark.parametrize("board", BOARDS)
def test_a_board_learns_over_a_serial_port_what_the_host_learns(board):
    device, host = emulated(board), trainer().build("host")
    x, y = lessons()
    expected = host.fit(x, y, lr=0.02, progress=False)
    try:
        with PseudoTerminal(device) as terminal, open_line(terminal.path, 115200, 20.0) as line:
            trace = line.fit(x, y, lr=0.02)
            assert (trace.loss == expected.loss).all()
            assert (trace.kept == expected.kept).all()
            assert line.save() == (8, 1)
            assert line.pull() == host.checkpoint(steps=8)
            assert (line.infer(x[0]) == host.logits(x[:1])[0]).all()
            host.fit(x, y, lr=0.02, progress=False)
            assert line.push(host.checkpoint(steps=16)) == 2
            assert line.train(x[0], int(y[0]), 0.02).steps == 17
            device.reset()
            with pytest.raises(DeviceRestarted):
                line.counters()
            again = DeviceLine(serial.Serial(terminal.path, timeout=0.05), timeout_s=20.0)
            assert again.counters()["steps"] == 0
            assert (again.infer(x[0]) == host.logits(x[:1])[0]).all()  # what was pushed, and not the step after it
    finally:
        device.close()


@pytest.fixture
def port(tmp_path):
    """Serial port of an emulated board that takes no checkpoints, and lessons.npz beside it."""
    device = emulated("nano33ble", push=False)
    x, y = lessons()
    np.savez(tmp_path / "lessons.npz", x=x, y=y)
    with PseudoTerminal(device) as terminal:
        yield terminal.path
    device.close()


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        app(["device", *map(str, arguments)])
    assert ended.value.code in (0, None)
    return " ".join(capsys.readouterr().out.split())


def test_the_commands(port, tmp_path, capsys):
    lessons_file, pulled = tmp_path / "lessons.npz", tmp_path / "learned.tpck"
    out = run(capsys, "info", "--port", port, "--json", tmp_path / "info.json")
    assert "40 values, 4 outputs, learns classes" in out
    assert json.loads((tmp_path / "info.json").read_text())["device"]["name"] == "lined"
    out = run(capsys, "train", lessons_file, "--port", port, "--save", "--json", tmp_path / "run.json")
    assert "saved: 8 steps, sequence 1" in out
    assert json.loads((tmp_path / "run.json").read_text())["steps"] == 8
    out = run(capsys, "predict", lessons_file, "--port", port, "--output", tmp_path / "outputs.json")
    assert "of 8 told right" in out
    assert np.shape(json.loads((tmp_path / "outputs.json").read_text())["outputs"]) == (8, 4)
    assert "saved: 8 steps, sequence 2" in run(capsys, "save", "--port", port)
    assert "8 steps, sequence 2" in run(capsys, "pull", pulled, "--port", port)
    assert decode(pulled.read_bytes()).steps == 8
    assert "steps 8" in run(capsys, "counters", "--port", port)
    with pytest.raises(UserError, match="build it with -DTP_LINK_PUSH=1"):
        app(["device", "push", str(pulled), "--port", port])


def test_mistakes_are_told_in_a_sentence(port, tmp_path):
    np.savez(tmp_path / "other.npz", data=np.zeros(3))
    np.savez(tmp_path / "short.npz", x=np.zeros((2, 39)), y=np.zeros(2, int))
    cases = {
        ("info", "--port", "/dev/no-such-port"): "the port '/dev/no-such-port' cannot be opened",
        ("train", tmp_path / "missing.npz", "--port", port): "cannot be read",
        ("train", tmp_path / "other.npz", "--port", port): "has no array called x and none called y",
        ("train", tmp_path / "short.npz", "--port", port): "39",
        ("push", tmp_path / "missing.tpck", "--port", port): "cannot be read",
        ("push", tmp_path / "other.npz", "--port", port): "is no checkpoint",
    }
    for arguments, sentence in cases.items():
        with pytest.raises(UserError) as told:
            app(["device", *map(str, arguments)])
        assert sentence in str(told.value), arguments
    assert not (tmp_path / "missing.tpck").exists()


def test_emulate_prints_the_port_it_is_at():
    console = Console(record=True, width=100)

    def talk(terminal):
        with open_line(terminal.path, 115200, 20.0) as line:
            assert line.facts.has_push
            console.print(line.facts.name)

    assert emulate_command(console, trainer(), "nano33ble", push=True, wait=talk) == 0
    said = console.export_text()
    assert "lined runs on Arduino Nano 33 BLE (unicorn) at /dev/" in said
    assert "tinyprop device info --port /dev/" in said


def test_a_push_never_goes_over_the_newest_checkpoint():
    """A save between two pieces makes the slot that was being written the newest: the next piece is refused."""
    device = emulated("nano33ble")
    x, y = lessons()
    try:
        with PseudoTerminal(device) as terminal, open_line(terminal.path, 115200, 20.0) as line:
            line.fit(x, y)
            line.save()
            kept = line.pull()
            line._write(2, bytes(256), "a checkpoint")
            line.save()
            flash = bytes(device.flash)
            for offset in (256, 512, 4):
                with pytest.raises(DeviceRefused, match="outside of what can be written"):
                    line._ask(Request.WRITE, struct.pack("<2I", 2, offset) + bytes(256), "a checkpoint")
            assert bytes(device.flash) == flash
            assert line.load() == (8, 2)
            assert (line.pull().state == kept.state).all()
            assert line.push(kept) == 3
    finally:
        device.close()


def two_steps(port):
    """Losses, and the checkpoint that the device saves then."""
    x, y = lessons(2)
    line = DeviceLine(port, attempts=50, clock=lambda: port.now)
    losses = [line.train(sample, int(label), 0.02).loss for sample, label in zip(x, y, strict=True)]
    line.save()
    return losses, line.pull().state.tobytes()


@pytest.mark.parametrize("way", ["there", "back"])
@pytest.mark.parametrize("fault", ["lost", "turned", "cut off", "frame twice"])
def test_a_bad_line_to_a_board_changes_nothing(fault, way):
    """As on the host, where every byte is tried (test_line.py), here on the core, at five places of a session."""
    device = emulated("nano33ble", push=False)
    try:
        clean = MemoryPort(device.talk)
        expected = two_steps(clean)
        whole = clean.sent if way == "there" else clean.came
        for place in range(3, whole, whole // 5):
            device.flash[:] = b"\xff" * len(device.flash)
            device.reset()
            assert two_steps(MemoryPort(device.talk, **{way: fault_at(place, fault)})) == expected
    finally:
        device.close()


def test_a_reset_in_mid_frame_and_a_host_that_went_away():
    device = emulated("nano33ble", push=False)
    try:
        expected = two_steps(MemoryPort(device.talk))
        frame = encode_frame(Frame(Request.TRAIN, 9, 9, payload=bytes(8)))
        device.talk(frame[:7])  # and nothing more: that host is gone
        again = MemoryPort(device.talk)
        assert DeviceLine(again, clock=lambda: again.now).counters()["steps"] == 2
        device.talk(frame[:7])
        device.flash[:] = b"\xff" * len(device.flash)
        device.reset()
        device.talk(frame[7:])
        assert two_steps(MemoryPort(device.talk)) == expected
    finally:
        device.close()
