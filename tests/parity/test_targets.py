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
from tinyprop.targets import EmulatedEngine, HostEngine, QemuEngine, board_names, build, load_board
from tinyprop.targets.board import CompilerFlags, Emulator

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


@pytest.mark.parametrize("name", board_names())
def test_every_board_learns_the_bits_of_the_host(tree, samples, name):
    if load_board(name).emulator.kind == "qemu" and shutil.which("qemu-system-arm") is None:
        pytest.skip("qemu-system-arm not installed")
    made = tree("cnn", "ours")
    assert_same(run(HostEngine(made, SHAPE), samples), run(build(made, SHAPE, name), samples))


@needs_gcc
@pytest.mark.parametrize(
    "name", ["nucleo-f746zg", "nucleo-h743zi", "nrf5340dk", pytest.param("corstone-300", marks=needs_qemu)]
)
def test_gcc_agrees_on_the_cores_with_newer_floating_point_units(tree, samples, name):
    made = tree("cnn", "tinyprop_v2")
    assert_same(run(HostEngine(made, SHAPE), samples), run(build(made, SHAPE, name, "gcc"), samples))


# An FPGA image of each core in QEMU, and where it keeps code and data. Its timer is that of an MPS2 board or not read.
IN_QEMU = {"nucleo-f746zg": ("mps2-an500", 0, 0x2000_0000), "nrf5340dk": ("mps2-an505", 0x1000_0000, 0x3800_0000)}


@needs_qemu
@pytest.mark.parametrize("name", IN_QEMU)
def test_qemu_agrees_on_cortex_m7_and_m33(tree, samples, name):
    made, board = tree("mlp", "ours"), load_board(name)
    machine, code, data = IN_QEMU[name]
    flash, ram = replace(board.flash, origin=code), replace(board.ram, origin=data)
    there = replace(board, flash=flash, ram=ram, emulator=Emulator("qemu", machine, "systick"))
    assert_same(run(EmulatedEngine(made, SHAPE, board), samples), run(QemuEngine(made, SHAPE, there), samples))


@pytest.mark.parametrize(
    "name", ["nano33ble", "nucleo-h743zi", "nrf5340dk", pytest.param("corstone-300", marks=needs_qemu)]
)
def test_denormal_numbers_are_numbers(name):
    """Helium would flush them to zero, and the weights would differ: its record leaves it out."""
    import tinyprop

    module = network("mlp")
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(1e-38)
    trainer = tinyprop.capture(module, torch.zeros(1, *SHAPE), name="tiny").train("full")
    x = np.random.default_rng(0).random((5, *SHAPE), dtype=np.float32)
    hashes = []
    for target in ("host", name):
        with trainer.build(target) as engine:
            engine.fit(x, np.arange(5), lr=1e-25, progress=False)
            hashes.append(engine.weight_hash())
            assert np.abs(engine.weights()["1.weight"]).max() < np.finfo(np.float32).tiny
    assert hashes[0] == hashes[1]


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
