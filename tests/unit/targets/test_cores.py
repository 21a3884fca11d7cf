"""What differs from core to core: arithmetic in software, the memory map, the instructions there are."""

import re
import shutil

import numpy as np
import pytest
from unicorn import UC_HOOK_CODE

from tinyprop.targets import DeviceFault, EmulatedEngine, QemuEngine, build, load_board
from tinyprop.targets.board import BOARD_FOLDER

NAMES = ("nano33ble", "rp2040", "esp32c3")
ARITHMETIC = "m->outputs[0] = x[0] + x[1]; m->outputs[1] = x[0] * x[1]; m->outputs[2] = x[2] / x[3];"
TIMER_RESOLUTION = 40


def needs(tool):
    return pytest.mark.skipif(shutil.which(tool) is None, reason=f"{tool} not installed")


def emulate(tree, name):
    return EmulatedEngine(tree, (4,), load_board(name))


@pytest.fixture(scope="module")
def operands():
    """(x (N, 4), sum, product and quotient (N, 3)): every exponent, many subnormal, all results finite."""
    rng = np.random.default_rng(4)
    bits = rng.integers(0, 1 << 32, (4000, 4), dtype=np.uint32)
    bits[:1000] &= 0x81FF_FFFF  # tiny or subnormal
    bits[:500, 1] = bits[:500, 0] ^ rng.integers(0, 1 << 10, 500, dtype=np.uint32) ^ (1 << 31)  # sums cancel
    bits[1000:2000] = (bits[1000:2000] & 0x807F_FFFF) + (rng.integers(50, 70, (1000, 4), dtype=np.uint32) << 23)
    bits[1000:2000, 3] += 130 << 23  # products and quotients are subnormal
    x = bits.view(np.float32)
    with np.errstate(all="ignore"):
        results = np.stack([x[:, 0] + x[:, 1], x[:, 0] * x[:, 1], x[:, 2] / x[:, 3]], axis=1)
    usable = np.isfinite(x).all(axis=1) & np.isfinite(results).all(axis=1)
    return x[usable], results[usable]


@pytest.mark.parametrize(
    ("name", "toolchain"),
    [
        *((name, "zig") for name in ("host", *NAMES)),
        pytest.param("rp2040", "gcc", marks=needs("arm-none-eabi-gcc")),
        pytest.param("esp32c3", "gcc", marks=needs("riscv64-unknown-elf-gcc")),
    ],
)
def test_arithmetic_is_that_of_ieee_754(toy, toy_source, operands, name, toolchain):
    """Bit for bit, with subnormals and signed zeros, whether the core or the compiler's library computes."""
    anchor = "    TP_COUNT(macs_forward, 12);\n"
    tree = toy(source=toy_source.replace(anchor, f"    {ARITHMETIC}\n{anchor}"))
    x, expected = operands
    tiny = np.abs(expected) < np.finfo(np.float32).tiny
    assert (tiny & (expected != 0)).sum(axis=0).min() > 100
    with build(tree, (4,), name, toolchain) as engine:
        np.testing.assert_array_equal(engine.logits(x).view(np.uint32), expected.view(np.uint32))


@pytest.mark.parametrize("name", ["rp2040", "esp32c3"])  # a Cortex-M4 has conditional blocks, which the hook miscounts
def test_counts_are_those_of_a_hook_on_every_instruction(toy, toy_samples, name):
    """Blocks counted by the lengths of instructions, against the emulator's own decoder."""
    x, y = toy_samples[0][:10], toy_samples[1][:10]
    executed = [0]
    with emulate(toy(), name) as engine:

        def on_instruction(_emulator, _address, _size, _user):
            executed[0] += 1

        engine._emulator._emulator.hook_add(UC_HOOK_CODE, on_instruction)
        engine._emulator._emulator.ctl_flush_tb()  # what was translated before calls no hook
        before = int(engine._emulator.counter._counter.executed)
        engine.fit(x, y)
        assert executed[0] == int(engine._emulator.counter._counter.executed) - before > 1000


@pytest.mark.parametrize("name", NAMES)
def test_counts_repeat(toy, toy_samples, name):
    runs = []
    for _ in range(2):
        with emulate(toy(), name) as engine:
            runs.append(engine.fit(*toy_samples, lr=0.3).instructions)
    np.testing.assert_array_equal(*runs)


@needs("qemu-system-arm")
def test_software_arithmetic_in_two_emulators(toy, toy_samples, tmp_path):
    """QEMU has no RP2040, but its Cortex-M4 runs what was compiled for a Cortex-M0+."""
    own = tmp_path / "own.toml"
    flags = load_board("rp2040").flags.zig
    shipped = (BOARD_FOLDER / "mps2-an386.toml").read_text()
    own.write_text(re.sub("zig = .*", f"zig = {list(flags)}", shipped).replace("fpv4-sp-d16", "none", 1))
    board = load_board(own)
    assert (board.flags.zig, board.fpu) == (flags, "none")
    with QemuEngine(toy(), (4,), board) as qemu, emulate(toy(), "rp2040") as unicorn:
        counts = [engine.fit(*toy_samples, lr=0.3).instructions for engine in (qemu, unicorn)]
        np.testing.assert_array_equal(qemu.parameters(), unicorn.parameters())
    assert np.abs(counts[0] - counts[1]).max() <= TIMER_RESOLUTION
    assert abs(counts[0].mean() - counts[1].mean()) < TIMER_RESOLUTION


@pytest.mark.parametrize(
    ("name", "statement", "sentence"),
    [
        ("rp2040", "*(volatile uint32_t *)0x20042000u = 1u;", "4-byte write to 0x20042000"),
        ("rp2040", "*(volatile uint8_t *)0x10000100u = 1u;", "1-byte write to 0x10000100"),
        ("rp2040", "m->kept[0] = *(volatile uint32_t *)0x10200000u;", "4-byte read from 0x10200000"),
        ("rp2040", "m->kept[0] = *(volatile uint32_t *)0x00000000u;", "4-byte read from 0x00000000"),
        ("rp2040", "((void (*)(void))0x20000001u)();", "jump to 0x20000000"),
        ("esp32c3", "*(volatile uint32_t *)0x3FCE0000u = 1u;", "4-byte write to 0x3fce0000"),
        ("esp32c3", "*(volatile uint8_t *)0x3C000100u = 1u;", "1-byte write to 0x3c000100"),
        ("esp32c3", "*(volatile uint32_t *)0x42000100u = 1u;", "4-byte write to 0x42000100"),
        ("esp32c3", "((void (*)(void))0x3C000000u)();", "jump to 0x3c000000"),
        ("esp32c3", "((void (*)(void))0x3FC80000u)();", "jump to 0x3fc80000"),
    ],
)
def test_map_is_enforced(sabotaged, toy_samples, name, statement, sentence):
    with (
        emulate(sabotaged(statement), name) as engine,
        pytest.raises(DeviceFault, match=f"{sentence}, which .* of {re.escape(load_board(name).title)} at pc 0x"),
    ):
        engine.fit(*toy_samples)


@pytest.mark.parametrize("name", NAMES)
def test_stack_overflow_is_named(sabotaged, toy_samples, name):
    deep = "volatile uint8_t room[9000]; for (int i = 8999; i >= 0; i--) { room[i] = 1u; } m->kept[0] = room[label];"
    with emulate(sabotaged(deep), name) as engine, pytest.raises(DeviceFault, match="the stack overflowed"):
        engine.fit(*toy_samples)


@pytest.mark.parametrize(
    ("name", "instruction"),
    [
        ("rp2040", ".inst.n 0xfbb0; .inst.n 0xf0f1"),  # UDIV r0, r0, r1: Armv7-M
        ("rp2040", ".inst.n 0xee30; .inst.n 0x0a20"),  # VADD.F32 s0, s0, s1
        ("esp32c3", ".word 0x00107053"),  # FADD.S f0, f0, f1: RV32F
    ],
)
def test_instruction_that_the_core_does_not_have(sabotaged, toy_samples, name, instruction):
    with (
        emulate(sabotaged(f'__asm__ volatile("{instruction}" ::: "memory");'), name) as engine,
        pytest.raises(DeviceFault, match=r"(Invalid instruction|exception).* in train\."),
    ):
        engine.fit(*toy_samples)
