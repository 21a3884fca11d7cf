"""The emulated board: exact counts, its memory map, its stack, its sizes."""

import shutil

import numpy as np
import pytest

from tinyprop.errors import InternalError, UserError
from tinyprop.targets import DeviceFault, EmulatedEngine, board_names, build, load_board
from tinyprop.targets.board import BOARD_FOLDER
from tinyprop.targets.qemu_machine import QEMU

NANO = load_board("nano33ble")
DEEP_STACK = "volatile uint8_t room[ROOM]; for (int i = 0; i < ROOM; i++) { room[i] = 1u; } m->kept[0] = room[label];"


# Instructions of 16 and 32 bits.
FIVE_SHORT_TWO_LONG = {"arm": "nop;" * 5 + "dmb; dmb", "riscv": "c.nop;" * 5 + "fence; fence"}
every_core = pytest.mark.parametrize(
    "board", [load_board(name) for name in ("nano33ble", "rp2040", "esp32c3")], ids=lambda board: board.name
)


def emulate(tree, board=NANO, **settings):
    return EmulatedEngine(tree, (4,), board, **settings)


@every_core
def test_python_and_c_count_the_same(board, toy, toy_samples):
    with emulate(toy(), board) as fast, emulate(toy(), board, native_counter=False) as slow:
        assert fast._emulator.counter.native
        assert not slow._emulator.counter.native
        traces = [engine.fit(*toy_samples, lr=0.3) for engine in (fast, slow)]
        np.testing.assert_array_equal(traces[0].instructions, traces[1].instructions)
        assert fast.instructions_by_function() == slow.instructions_by_function()
        assert fast.instructions_by_caller() == slow.instructions_by_caller()


@every_core
def test_functions_add_up_to_the_steps(board, toy, toy_samples):
    with emulate(toy(), board) as engine:
        assert engine.instructions_by_function() == {}
        trace = engine.fit(*toy_samples)
        engine.predict(toy_samples[0])
        functions = engine.instructions_by_function()
    overhead_of_an_empty_call = 2  # return 0: two instructions that are in the functions but not in the trace
    assert sum(functions.values()) == trace.instructions.sum() + overhead_of_an_empty_call * len(trace)
    assert {"tp_train_step", "tp_all_finite_f32", "train"} <= set(functions)
    assert not {"board_main", "measure_train", "ticks_now", "?"} & set(functions)
    assert list(functions.values()) == sorted(functions.values(), reverse=True)


@every_core
def test_counting_by_hand(board, toy, sabotaged, toy_samples):
    """Seven more instructions in the source are seven more in the count."""
    x, y = toy_samples
    more = sabotaged(f'__asm__ volatile("{FIVE_SHORT_TWO_LONG[board.architecture]}");')
    with emulate(toy(), board) as plain, emulate(more, board) as longer:
        difference = longer.fit(x, y).instructions - plain.fit(x, y).instructions
    np.testing.assert_array_equal(difference, np.full(len(x), 7))


def test_inference_is_counted(toy, toy_samples):
    with emulate(toy()) as engine:
        counts = engine.infer_instructions(toy_samples[0])
        steps = engine.fit(*toy_samples).instructions
    assert counts.shape == (150,)
    assert 50 < counts.max() < steps.min()


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("*(volatile uint32_t *)0x30000000u = 1u;", "4-byte write to 0x30000000, which is neither"),
        ("*(volatile uint32_t *)0x20020000u = 1u;", "4-byte write to 0x20020000, which is neither"),
        ("*(volatile uint8_t *)0x00001000u = 1u;", "1-byte write to 0x00001000, which is neither"),
        ("m->kept[0] = *(volatile uint16_t *)0x00200000u;", "2-byte read from 0x00200000, which is neither"),
        ("((void (*)(void))0x20000001u)();", "jump to 0x20000000, which is neither"),
        (DEEP_STACK.replace("ROOM", "9000"), "the stack overflowed"),
    ],
)
def test_stray_access_is_a_fault_that_names_its_place(sabotaged, toy_samples, statement, sentence):
    with emulate(sabotaged(statement)) as engine:
        with pytest.raises(DeviceFault, match=sentence) as fault:
            engine.fit(*toy_samples)
        assert "at pc 0x" in str(fault.value)
        if "jump" not in sentence:
            assert str(fault.value).endswith("in train.")
        with pytest.raises(DeviceFault, match=r"the emulated board is off \(.*restart\(\) switches it on again"):
            engine.parameters()


@every_core
def test_restart_after_a_fault(board, sabotaged, toy_samples, toy_initial):
    x, y = toy_samples
    with emulate(sabotaged("if (label == 2u) *(volatile uint32_t *)0x30000000u = 1u;"), board) as engine:
        with pytest.raises(DeviceFault):
            engine.fit(x, y)
        engine.restart()
        np.testing.assert_array_equal(engine.parameters(), toy_initial)
        assert len(engine.fit(x[y < 2], y[y < 2])) == (y < 2).sum()


def test_endless_loop_ends(sabotaged, toy_samples):
    with (
        emulate(sabotaged('while (x[0] != 1234.0f) { __asm__ volatile(""); }'), timeout_s=0.3) as engine,
        pytest.raises(DeviceFault, match=r"did not answer in 0\.3 s at pc 0x.* in train\."),
    ):
        engine.fit(*toy_samples)


def test_interrupt_switches_the_board_off(toy, toy_samples, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    with emulate(toy()) as engine:
        monkeypatch.setattr(engine._emulator, "_semihost", interrupted)
        with pytest.raises(KeyboardInterrupt):
            engine.fit(*toy_samples)
        with pytest.raises(DeviceFault, match=r"off \(KeyboardInterrupt\)"):
            engine.parameters()


@every_core
def test_stack_grows_with_the_stack_of_a_step(board, toy, sabotaged, toy_samples):
    deep = sabotaged(DEEP_STACK.replace("ROOM", "1000"))
    with emulate(toy(), board) as plain, emulate(deep, board) as deeper:
        for engine in (plain, deeper):
            engine.fit(*toy_samples)
        assert 32 <= plain.stack_bytes() < 400
        assert 1000 <= deeper.stack_bytes() - plain.stack_bytes() < 1064


@every_core
def test_sizes_are_those_of_the_network(board, toy):
    with emulate(toy(), board) as small, emulate(toy(spare_floats=1001), board) as large:
        assert small.ram_bytes == small.facts.memory_bytes
        assert large.ram_bytes - small.ram_bytes == 4000
        assert 500 < small.flash_bytes < 8192
        assert abs(large.flash_bytes - small.flash_bytes) <= 16


def test_network_that_does_not_fit_names_the_excess_and_a_board_that_would_do(toy):
    with pytest.raises(UserError, match=r"does not fit Arduino Nano 33 BLE: ([\d,]+) bytes of RAM too many") as error:
        emulate(toy(spare_floats=70_000))
    assert "it would fit nucleo-f746zg, esp32c3, nrf5340dk, nucleo-h743zi, rp2350, nucleo-l4r5zi, b-u585i" in str(
        error.value
    )


def test_the_excess_is_exact(toy):
    """A network smaller by the bytes that are too many fits, one word larger does not."""
    floats = 66_000
    with pytest.raises(UserError) as error:
        emulate(toy(spare_floats=floats))
    excess = int(str(error.value).split(": ")[1].split()[0].replace(",", ""))
    largest = floats - -(-excess // 4)
    emulate(toy(spare_floats=largest - 1)).close()
    with pytest.raises(UserError, match=r": \d bytes of RAM too many"):
        emulate(toy(spare_floats=largest + 2))


def test_the_harness_has_room_for_a_sample_and_its_outputs(toy):
    with emulate(toy()) as engine:
        assert engine.firmware.scratch_bytes == 4 * (4 + 3)
        used = engine.firmware.ram_end - NANO.ram.origin + 4 * (4 + 3) + NANO.stack_bytes
    floats = (NANO.ram.bytes - used) // 4 + 2
    with pytest.raises(UserError, match=rf"RAM too many \({used + 4 * floats - 4:,} of 262,144\)"):
        emulate(toy(spare_floats=floats))


def test_network_too_large_for_every_board(toy):
    with pytest.raises(UserError, match="no board tinyprop knows is large enough"):
        emulate(toy(spare_floats=5_000_000))


def test_flash_that_overflows_is_named_too(sabotaged, toy_source):
    ballast = "static const uint32_t ballast[300000] = {1u, 2u};\n"
    use = "m->kept[0] = *(const volatile uint32_t *)&ballast[label];"
    tree = sabotaged(use, toy_source.replace("static int train", ballast + "static int train"))
    with pytest.raises(UserError, match=r"[\d,]+ bytes of flash too many \(1,2\d\d,\d\d\d of 1,048,576\)"):
        emulate(tree)


def test_compiler_errors_carry_the_words_of_the_compiler(sabotaged):
    with pytest.raises(InternalError, match=r"(?s)the C compiler refused .*unknown_name"):
        emulate(sabotaged("unknown_name;"))


def test_warnings_are_errors(sabotaged):
    with pytest.raises(InternalError, match=r"-Wconversion|-Wimplicit-float-conversion|-Wdouble-promotion"):
        emulate(sabotaged("m->bias[0] += 1.0 * 0.1;"))


@pytest.mark.parametrize("name", board_names())
def test_every_board_file_serves_its_emulator(toy, toy_initial, name):
    if load_board(name).emulator.kind == "qemu" and shutil.which(QEMU) is None:
        pytest.skip(f"{QEMU} not installed")
    with build(toy(), (4,), name) as engine:
        assert engine.target == name
        np.testing.assert_array_equal(engine.parameters(), toy_initial)


def test_a_core_that_unicorn_does_not_know_is_refused(toy):
    with pytest.raises(UserError, match=r"Corstone-300 .*: Unicorn has no cortex-m55; it has cortex-m0plus, "):
        EmulatedEngine(toy(), (4,), load_board("corstone-300"))


def test_board_file_of_a_user(toy, tmp_path, toy_initial):
    own = tmp_path / "own.toml"
    shipped = (BOARD_FOLDER / "nano33ble.toml").read_text()
    own.write_text(shipped.replace("nano33ble", "own").replace("262_144", "65_536"))
    with build(toy(), (4,), str(own)) as engine:
        assert engine.target == "own"
        np.testing.assert_array_equal(engine.parameters(), toy_initial)
