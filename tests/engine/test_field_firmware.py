"""Firmware for the field, as exported: it learns over the line, saves, and goes on where it was when power went."""

import os
import shutil
import struct
import subprocess
import zlib

import numpy as np
import pytest

from tinyprop.codegen.golden import RATE
from tinyprop.codegen.project import project
from tinyprop.codegen.source_tree import SourceTree
from tinyprop.targets.compilation import compile_tree, link

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc not installed")

HELLO, WRITE, TRAIN = 1, 2, 4
SAVED = 100  # steps, as field.c has it


def stuffed(frame):
    """COBS: each zero is replaced by the distance to the next; frames are too short for longer runs here."""
    return b"".join(bytes([len(run) + 1]) + run for run in frame.split(b"\0")) + b"\0"


def unstuffed(line):
    runs = []
    while line:
        runs.append(line[1 : line[0]])
        line = line[line[0] :]
    return b"\0".join(runs)


class Line:
    """The program, and requests to it one after the other; closing the line is a loss of power."""

    def __init__(self, program, flash):
        environment = {**os.environ, "TINYPROP_FLASH": str(flash)}
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self.number = 0
        self.ask(HELLO)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        assert self.process.wait(timeout=10) == 0
        self.process.stdout.close()

    def ask(self, kind, payload=b""):
        self.number = (self.number + 1) % 256
        frame = struct.pack("<BBHBB", 1, kind, 7, self.number, 0) + payload
        self.process.stdin.write(stuffed(frame + struct.pack("<I", zlib.crc32(frame))))
        self.process.stdin.flush()
        answer = bytearray()
        while not answer or answer[-1] != 0:
            byte = self.process.stdout.read(1)
            assert byte, "the firmware has ended"
            answer += byte
        whole = unstuffed(bytes(answer[:-1]))
        assert struct.unpack("<I", whole[-4:]) == (zlib.crc32(whole[:-4]),)
        assert whole[5] == 0, f"status {whole[5] - 256}"
        return whole[6:-4]

    def train(self, sample, label):
        """The loss of the step, and the steps behind the model."""
        self.ask(WRITE, struct.pack("<II", 0, 0) + sample.astype("<f4").tobytes())
        answer = self.ask(TRAIN, struct.pack("<If", label, RATE))
        return np.float32(struct.unpack_from("<f", answer)[0]), struct.unpack_from("<I", answer, 12)[0]


@pytest.fixture
def field(networks, gcc):
    """field(trainer) → the program, with the engine's own checks and those of the sanitizers."""

    def build(trainer):
        tree = project(trainer.sources, trainer.train_program, trainer.plan)
        whole = SourceTree(tree.name, tree.files, (*tree.sources, "field.c", "port/host.c"), tree.include_dirs)
        compiler = gcc("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
        return link(compile_tree(whole, compiler), compiler, "")

    return build


def test_it_goes_on_where_it_was_saved(networks, field, tmp_path):
    trainer = networks["mlp"].train("tinyprop_v2")
    generator = np.random.default_rng(5)
    x = generator.standard_normal((SAVED + 30, *trainer.train_program.program.input.shape)).astype(np.float32)
    y = generator.integers(0, 5, len(x))
    program, flash = field(trainer), tmp_path / "flash.bin"
    with trainer.build("host") as engine:
        expected = engine.fit(x, y, lr=RATE).loss
    with Line(program, flash) as line:
        told = [line.train(sample, label) for sample, label in zip(x[: SAVED + 7], y[: SAVED + 7], strict=True)]
    assert told == [(loss, step + 1) for step, loss in enumerate(expected[: SAVED + 7])]
    with Line(program, flash) as line:  # the last seven steps are lost, and made again
        told = [line.train(sample, label) for sample, label in zip(x[SAVED:], y[SAVED:], strict=True)]
    assert told == [(loss, SAVED + step + 1) for step, loss in enumerate(expected[SAVED:])]


def test_where_the_flash_cannot_be_written_it_learns_and_forgets(networks, field, tmp_path):
    trainer = networks["mlp"].train("tinyprop_v2")
    sample = np.full(trainer.train_program.program.input.shape, 0.5, np.float32)
    program = field(trainer)
    for _ in range(2):
        with Line(program, tmp_path / "no folder" / "flash.bin") as line:
            assert [line.train(sample, 1)[1] for _ in range(SAVED + 1)] == list(range(1, SAVED + 2))
