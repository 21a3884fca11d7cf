"""What firmware for the field takes: code, RAM and bytes on the line, as docs/device-line.md says."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from elftools.elf.elffile import ELFFile

import tinyprop
from line_in_memory import LinkedDevice, MemoryPort
from tinyprop.bench.networks import Cnn
from tinyprop.device import DeviceLine
from tinyprop.ir.chain import chain
from tinyprop.ir.ops import Dense
from tinyprop.surface import Network
from tinyprop.targets import load_board
from tinyprop.targets.firmware import LINE, build_firmware

MOST_TEXT = 20_000  # bytes: training, checkpoints, guard and line of the demo's CNN on a Cortex-M4
PAGE = " ".join((Path(__file__).parents[2] / "docs" / "device-line.md").read_text().split())
needs_gcc = pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc not installed")


def number(pattern: str) -> int:
    [found] = re.findall(pattern, PAGE)
    return int(found.replace(",", ""))


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return tinyprop.capture(Cnn().eval(), torch.zeros(1, 1, 8, 8), name="cnn")


@pytest.mark.parametrize(
    ("toolchain", "optimise", "method"),
    [
        *(
            pytest.param("gcc", flag, method, marks=needs_gcc)
            for flag in ("-Os", "-O2")
            for method in ("tinyprop_v2", "ours")
        ),
        ("zig", None, "ours"),
    ],
)
def test_code_of_training_checkpoints_guard_and_line(network, toolchain, optimise, method):
    sources = network.train(method).sources
    board, push = load_board("nano33ble"), ("TP_LINK_PUSH=1",)
    firmware = build_firmware(sources, board, "dwt", toolchain, optimise, harness=LINE, defines=push)
    linked = {name for _, _, name in firmware.symbols}
    assert {"tp_link_take", "tp_load"} <= linked
    with firmware.path.open("rb") as stream:
        text = ELFFile(stream).get_section_by_name(".text")["sh_size"]
    print(f"{toolchain} {optimise}, {method}: {text:,} bytes of .text")  # noqa: T201
    assert 10_000 < text <= MOST_TEXT


@needs_gcc
def test_ram_and_code_of_the_line(tmp_path):
    tinyprop.codegen.generate.engine_files()
    for path, content in tinyprop.codegen.generate.engine_files().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    (tmp_path / "line.c").write_text('#include "tp_link.h"\nextern tp_link held;\ntp_link held = {0};\n')
    flags = ["-mcpu=cortex-m4", "-mthumb", "-Os", "-std=c99", "-DTP_LINK_PUSH=1", "-Iengine/include", "-c"]
    subprocess.run(["arm-none-eabi-gcc", *flags, "line.c", "engine/src/tp_link.c"], cwd=tmp_path, check=True)
    sizes = {}
    for name in ("line.o", "tp_link.o"):
        with (tmp_path / name).open("rb") as stream:
            elf = ELFFile(stream)
            sizes[name] = {section.name: section["sh_size"] for section in elf.iter_sections()}
    assert sizes["line.o"][".bss"] == number(r"The line needs ([\d,]+) bytes of RAM")
    assert abs(sizes["tp_link.o"][".text"] - number(r"its code ([\d,]+) bytes on a Cortex-M4")) <= 50


def test_bytes_on_the_line():
    device = LinkedDevice(Network(chain("line", (64,), (Dense(64, 10),))).train("full"))
    port = MemoryPort(device.take)
    line = DeviceLine(port)
    x = np.random.default_rng(0).standard_normal(64).astype(np.float32)
    sent, came = port.sent, port.came
    line.train(x, 3, 0.01)
    assert port.sent - sent == number(r"A sample of 64 values is ([\d,]+) bytes on the line")
    assert port.came - came == number(r"with its label, and ([\d,]+) come back")
