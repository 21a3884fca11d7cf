"""Firmware for the field, as exported: it learns over the line, saves, and goes on where it was when power went."""

import os
import select
import shutil
import subprocess

import numpy as np
import pytest

from tinyprop.codegen.golden import RATE
from tinyprop.codegen.project import project
from tinyprop.codegen.source_tree import SourceTree
from tinyprop.device import DeviceLine
from tinyprop.methods.optimizer import SGD
from tinyprop.targets.compilation import compile_tree, link

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc not installed")

SAVED = 100  # steps, as field.c has it


class Firmware:
    """The program as the port that it is the other end of; closing it is a loss of power."""

    in_waiting = 0

    def __init__(self, flash, *command):
        environment = {**os.environ, "TINYPROP_FLASH": str(flash)}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)

    def write(self, content):
        self.process.stdin.write(content)
        self.process.stdin.flush()

    def read(self, _):
        out = self.process.stdout.fileno()
        return os.read(out, 4096) if select.select([out], [], [], 0.2)[0] else b""

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=10) == 0
        self.process.stdout.close()


@pytest.fixture
def connected(gcc):
    """connected(trainer, flash) → a line to the exported program, built with sanitizers, and just switched on."""

    def connect(trainer, flash):
        compiler = gcc("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
        return DeviceLine(Firmware(flash, program_of(trainer, compiler)), timeout_s=10)

    return connect


def program_of(trainer, compiler, *defines):
    """The exported project's `field`, compiled."""
    tree = project(trainer.sources, trainer.train_program, trainer.plan)
    whole = SourceTree(tree.name, tree.files, (*tree.sources, "field.c", "port/host.c"), tree.include_dirs)
    return link(compile_tree(whole, compiler, defines), compiler, "")


def samples_of(trainer, count):
    generator = np.random.default_rng(5)
    x = generator.standard_normal((count, *trainer.train_program.program.input.shape)).astype(np.float32)
    return x, generator.integers(0, 5, count)


def test_it_goes_on_where_it_was_saved(networks, connected, tmp_path):
    trainer = networks["mlp"].train("tinyprop_v2")
    x, y = samples_of(trainer, SAVED + 30)
    with trainer.build("host") as engine:
        undisturbed = engine.fit(x, y, lr=RATE).loss
    with connected(trainer, tmp_path / "flash.bin") as line:
        before = line.fit(x[: SAVED + 7], y[: SAVED + 7], lr=RATE).loss
    with connected(trainer, tmp_path / "flash.bin") as line:  # the last seven steps are lost, and made again
        assert line.pull().steps == SAVED
        after = line.fit(x[SAVED:], y[SAVED:], lr=RATE).loss
        assert line.train(x[0], y[0], RATE).steps == SAVED + 31
    np.testing.assert_array_equal(before, undisturbed[: SAVED + 7])
    np.testing.assert_array_equal(after, undisturbed[SAVED:])


@pytest.mark.skipif(shutil.which("qemu-ppc") is None, reason="qemu-user not installed")
@pytest.mark.parametrize(
    ("name", "method"), [("mlp", "tinyprop_v2"), ("pooled", "ours_at_effort"), ("strided", "random_k")]
)
def test_a_core_with_the_high_byte_first_learns_saves_and_says_the_same(networks, gcc, tmp_path, name, method):
    """Training, checkpoints and line on PowerPC: the host's losses, and the host's bytes in flash and on the line."""
    trainer = networks[name].train(method, optimizer=SGD(momentum=0.5))
    program = program_of(trainer, gcc("-O2", "-static", command="powerpc-linux-gnu-gcc"), "TP_LINK_PUSH=1")
    x, y = samples_of(trainer, SAVED + 10)
    host = trainer.build("host")
    expected = host.fit(x[:SAVED], y[:SAVED], lr=RATE, progress=False).loss
    with DeviceLine(Firmware(tmp_path / "flash.bin", "qemu-ppc", program), timeout_s=20) as line:
        np.testing.assert_array_equal(line.fit(x[:SAVED], y[:SAVED], lr=RATE).loss, expected)
        assert line.pull() == host.checkpoint(steps=SAVED)
        np.testing.assert_array_equal(line.infer(x[0].ravel()), host.logits(x[:1])[0])
        assert line.push(host.checkpoint(steps=7)) == 2
    ahead = host.fit(x[SAVED:], y[SAVED:], lr=RATE, progress=False).loss
    with DeviceLine(Firmware(tmp_path / "flash.bin", "qemu-ppc", program), timeout_s=20) as line:
        np.testing.assert_array_equal(line.fit(x[SAVED:], y[SAVED:], lr=RATE).loss, ahead)


def test_where_the_flash_cannot_be_written_it_learns_and_forgets(networks, connected, tmp_path):
    trainer = networks["mlp"].train("tinyprop_v2")
    x, y = samples_of(trainer, SAVED + 1)
    for _ in range(2):
        with connected(trainer, tmp_path / "no folder" / "flash.bin") as line:
            line.fit(x[:-1], y[:-1], lr=RATE)
            assert line.train(x[-1], y[-1], RATE).steps == SAVED + 1
