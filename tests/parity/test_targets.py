"""Generated networks on every target and compiler: the same weights to the last bit, the same decisions."""

import hashlib
import shutil

import numpy as np
import pytest
from msgspec.structs import replace

from tinyprop.codegen.generate import generate
from tinyprop.ir.differentiate import differentiate, layer_infos
from tinyprop.ir.losses import CrossEntropy
from tinyprop.ir.passes import fuse
from tinyprop.methods import METHODS
from tinyprop.plan.lifetimes import storage_of
from tinyprop.plan.memory import plan_memory
from tinyprop.targets import EmulatedEngine, HostEngine, QemuEngine, build, load_board
from tinyprop.targets.board import CompilerFlags

torch = pytest.importorskip("torch")
SHAPE = (1, 8, 8)
STEPS = 120
TIMER_RESOLUTION = 40
needs_gcc = pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc not installed")
needs_riscv_gcc = pytest.mark.skipif(
    shutil.which("riscv64-unknown-elf-gcc") is None, reason="riscv64-unknown-elf-gcc not installed"
)
needs_qemu = pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm not installed")


def network(kind):
    nn = torch.nn
    torch.manual_seed(1)
    if kind == "mlp":
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))
    first = [nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    second = [nn.Conv2d(4, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(32, 10))


@pytest.fixture(scope="module")
def tree():
    from tinyprop.frontend.capture import capture

    programs = {kind: fuse(capture(network(kind), torch.zeros(1, *SHAPE), name=kind)) for kind in ("mlp", "cnn")}

    def make(kind, method):
        program = programs[kind]
        spec = METHODS[method]().spec(layer_infos(program))
        train = differentiate(program, spec, CrossEntropy())
        storage = storage_of(train)
        return generate(train, storage, plan_memory(storage.buffers))

    return make


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(2)
    return rng.random((STEPS, *SHAPE), dtype=np.float32), rng.integers(0, 10, STEPS)


def run(engine, samples):
    """(trace, hash of the weights) of a training run with a pause in the middle."""
    x, y = samples
    with engine:
        engine.fit(x[:50], y[:50], lr=0.05)
        engine.predict(x[:5])
        trace = engine.fit(x[50:], y[50:], lr=0.05)
        return trace, hashlib.sha256(engine.parameters().tobytes()).hexdigest()


def assert_same(one, other):
    for column in ("loss", "predicted", "skipped", "kept"):
        np.testing.assert_array_equal(getattr(one[0], column), getattr(other[0], column), err_msg=column)
    assert one[1] == other[1]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["mlp", "cnn"])
def test_host_and_board_are_bit_identical(tree, samples, kind, method):
    made = tree(kind, method)
    host = run(HostEngine(made, SHAPE), samples)
    board = run(build(made, SHAPE, "nano33ble"), samples)
    assert_same(host, board)
    assert np.isfinite(host[0].loss).all()
    assert len(set(host[0].loss.tolist())) > STEPS // 3


@pytest.mark.parametrize(
    ("target", "toolchain"),
    [
        pytest.param("host", "gcc", marks=pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc not installed")),
        pytest.param("nano33ble", "gcc", marks=needs_gcc),
        ("rp2040", "zig"),
        pytest.param("rp2040", "gcc", marks=needs_gcc),
        ("esp32c3", "zig"),
        pytest.param("esp32c3", "gcc", marks=needs_riscv_gcc),
        pytest.param("mps2-an386", "zig", marks=needs_qemu),
        pytest.param("mps2-an386", "gcc", marks=[needs_gcc, needs_qemu]),
    ],
)
@pytest.mark.parametrize("kind", ["mlp", "cnn"])
def test_every_compiler_and_emulator_agrees(tree, samples, kind, target, toolchain):
    made = tree(kind, "tinyprop_v2")
    assert_same(run(HostEngine(made, SHAPE), samples), run(build(made, SHAPE, target, toolchain), samples))


@pytest.mark.parametrize("toolchain", ["zig", pytest.param("gcc", marks=needs_gcc)])
@pytest.mark.parametrize("kind", ["mlp", "cnn"])
def test_without_the_assembler_the_bits_are_the_same(tree, samples, kind, toolchain):
    made, board = tree(kind, "ours"), load_board("nano33ble")
    plain_c = CompilerFlags(*((*flags, "-DTP_PORTABLE") for flags in (board.flags.zig, board.flags.gcc)))
    blocks = run(EmulatedEngine(made, SHAPE, board, toolchain), samples)
    portable = run(EmulatedEngine(made, SHAPE, replace(board, flags=plain_c), toolchain), samples)
    assert_same(blocks, portable)
    assert portable[0].instructions.sum() > 1.05 * blocks[0].instructions.sum()


@needs_qemu
@pytest.mark.parametrize("kind", ["mlp", "cnn"])
def test_two_emulators_count_the_same(tree, samples, kind):
    made, board = tree(kind, "ours"), load_board("mps2-an386")
    unicorn, _ = run(EmulatedEngine(made, SHAPE, board), samples)
    qemu, _ = run(QemuEngine(made, SHAPE, board), samples)
    assert np.abs(unicorn.instructions - qemu.instructions).max() <= TIMER_RESOLUTION
    assert abs(unicorn.instructions.mean() - qemu.instructions.mean()) < TIMER_RESOLUTION / 4
