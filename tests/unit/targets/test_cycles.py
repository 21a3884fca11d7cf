"""Estimated cycles: sequences counted by hand from the manuals, and the histogram they are counted over."""

import numpy as np
import pytest

from tinyprop.errors import InternalError, UserError
from tinyprop.targets import EmulatedEngine, load_board
from tinyprop.targets.cycles import estimated_cycles, load_timing, timing_names
from tinyprop.targets.histogram import Executed, Histogram
from tinyprop.targets.unicorn_core import CORES

ORIGIN = 0x1000
LONG = CORES["cortex-m4"].long_instruction
M4, M0 = load_timing("cortex_m4"), load_timing("cortex_m0plus")
NANO, PICO, RISCV = (load_board(name) for name in ("nano33ble", "rp2040", "esp32c3"))

# Encodings as an assembler writes them, halfword by halfword.
NOP = "bf00"
LDR_R0_R1, LDR_R2_R3, LDR_R2_R0 = "6808", "681a", "6802"
STR_R0_R2_4, STR_R0_R2_R3, ADDS_R1_R1_R2 = "6050", "50d0", "1889"
VMUL_S0_S1_S2, VADD_S3_S3_S0, VADD_S3_S3_S4 = "ee20 0a81", "ee71 1a80", "ee71 1a82"
VMLA_S0_S1_S2, VMLA_S3_S0_S1 = "ee00 0a81", "ee40 1a20"
VDIV, VSQRT, VSTR_S0 = "ee80 0a81", "eeb1 0ae0", "ed81 0a00"


def image_of(*code: str) -> bytes:
    return np.array([int(part, 16) for part in " ".join(code).split()], dtype="<u2").tobytes()


def run_once(*code: str) -> tuple[Executed, bytes]:
    """The sequence executed once from top to bottom, as one block."""
    image = image_of(*code)
    halfwords = np.frombuffer(image, dtype="<u2")
    histogram = Histogram(len(halfwords))
    histogram.entered[0] = histogram.left[-1] = 1
    return histogram.executed(halfwords, ORIGIN, LONG), image


def cycles(*code: str, timing=M4) -> int:
    """Of the sequence with something indifferent behind it, which itself takes a cycle."""
    return estimated_cycles(*run_once(*code, NOP), ORIGIN, timing) - 1


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ((LDR_R0_R1,), 2),
        ((LDR_R0_R1, LDR_R2_R3), 3),  # the second one pipelined
        ((LDR_R0_R1, LDR_R2_R0), 4),  # its address is what was loaded
        ((LDR_R0_R1, STR_R0_R2_4), 3),
        ((LDR_R0_R1, STR_R0_R2_R3), 3),
        ((STR_R0_R2_R3,), 2),
        ((ADDS_R1_R1_R2, LDR_R0_R1), 4),  # stalled for the address
        ((ADDS_R1_R1_R2, LDR_R2_R3), 3),
        ((VMUL_S0_S1_S2, VADD_S3_S3_S4), 2),
        ((VMUL_S0_S1_S2, VADD_S3_S3_S0), 3),  # waits for the product
        ((VMUL_S0_S1_S2, VSTR_S0), 4),
        ((VMUL_S0_S1_S2, VMLA_S0_S1_S2), 4),  # the addend is wanted late
        ((VMUL_S0_S1_S2, VMLA_S3_S0_S1), 5),  # a factor is not
        ((VDIV,), 14),
        ((VSQRT,), 14),
        (("ed90 0a00",), 2),  # vldr s0, [r0]
        (("ed90 1b00",), 3),  # vldr d1, [r0]
        (("ecb0 0a04",), 5),  # vldmia r0!, {s0-s3}
        (("ed2d 8b04",), 5),  # vpush {d8-d9}
        (("ec41 0b10",), 2),  # vmov d0, r0, r1
        (("eeb4 0a60", "eef1 fa10"), 2),  # vcmp.f32 s0, s1; vmrs
        (("b5f0",), 6),  # push {r4-r7, lr}
        (("e9d2 0100",), 3),  # ldrd r0, r1, [r2]
        (("fb01 f000",), 1),  # mul r0, r1, r0
        (("fbb1 f0f2",), 7),  # udiv r0, r1, r2
    ],
)
def test_straight_code_on_a_cortex_m4(code, expected):
    assert cycles(*code) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [((LDR_R0_R1, LDR_R2_R3), 4), ((ADDS_R1_R1_R2, LDR_R0_R1), 3), (("b5f0",), 6), (("4348",), 1), ((STR_R0_R2_4,), 2)],
)
def test_straight_code_on_a_cortex_m0plus(code, expected):
    assert cycles(*code, timing=M0) == expected


@pytest.mark.parametrize(("timing", "expected"), [(M4, 5), (M0, 5)])
def test_a_return_by_pop(timing, expected):
    """pop {r4, pc}: 1 + N + P with P = 2 on one core, 3 + N on the other, where N counts the program counter."""
    executed, image = run_once("bd10")
    gone = Executed(executed.address, executed.size, executed.times, np.zeros(1, dtype=np.int64))
    assert estimated_cycles(gone, image, ORIGIN, timing) == expected


def loop() -> tuple[Executed, bytes]:
    """movs r0, #3; again: subs r0, #1; bne again; bx lr, as an emulator cuts it into blocks."""
    image = image_of("2003", "3801", "d1fd", "4770")
    histogram = Histogram(4)
    histogram.entered[[0, 1, 3]] = 1, 2, 1
    histogram.left[[3, 4]] = 3, 1
    histogram.followed[3] = 1
    return histogram.executed(np.frombuffer(image, dtype="<u2"), ORIGIN, LONG), image


def test_a_loop_by_instruction():
    executed, _ = loop()
    assert executed.address.tolist() == [ORIGIN, ORIGIN + 2, ORIGIN + 4, ORIGIN + 6]
    assert executed.times.tolist() == [1, 3, 3, 1]
    assert executed.went_on.tolist() == [1, 3, 1, 0]
    assert executed.instructions == 8


@pytest.mark.parametrize(("timing", "expected"), [(M4, 1 + 3 + (3 + 3 + 1) + 3), (M0, 1 + 3 + (2 + 2 + 1) + 2)])
def test_branches_cost_more_when_taken(timing, expected):
    assert estimated_cycles(*loop(), ORIGIN, timing) == expected


def test_code_between_what_was_executed_does_not_matter():
    """A literal of two halfwords that are no instruction, jumped over."""
    image = image_of("e001", "ffff", "ffff", NOP)
    histogram = Histogram(4)
    histogram.entered[[0, 3]] = histogram.left[[1, 4]] = 1
    executed = histogram.executed(np.frombuffer(image, dtype="<u2"), ORIGIN, LONG)
    assert executed.address.tolist() == [ORIGIN, ORIGIN + 6]
    assert estimated_cycles(executed, image, ORIGIN, M0) == 2 + 1


def test_instructions_without_a_figure_are_all_named():
    with pytest.raises(InternalError, match=r"Cortex-M4 with FPU says nothing of: svc #0; wfi\."):
        cycles(NOP, "df00", "bf30", LDR_R0_R1)


def test_what_is_no_instruction_is_an_error():
    with pytest.raises(InternalError, match=r"from 0x1000 to 0x1008, only 1 instructions are known"):
        cycles(NOP, "ffff ffff")


@pytest.mark.parametrize("name", timing_names())
def test_every_line_of_a_table_has_its_source_and_every_name_one_line(name):
    timing = load_timing(name)
    names = [one for rule in timing.rule for one in rule.names]
    assert len(names) == len(set(names))
    assert all(len(line.source) > 20 for line in (*timing.rule, *timing.hazard))
    groups = {rule.group for rule in timing.rule}
    assert all({*hazard.after, *hazard.before} <= groups for hazard in timing.hazard)
    assert timing.assumptions


def test_an_unknown_table_is_a_mistake_that_is_named():
    with pytest.raises(UserError, match="cortex_m4"):
        load_timing("cortex_m5")


LOOP = '__asm__ volatile("nop; movs r3, #10; 1: subs r3, #1; bne 1b; nop" ::: "r3", "cc");'


@pytest.mark.parametrize(
    ("board", "expected"), [(NANO, 1 + 1 + 10 + 9 * 3 + 1 + 1), (PICO, 1 + 1 + 10 + 9 * 2 + 1 + 1)]
)
def test_a_loop_in_a_step_costs_what_it_costs_by_hand(board, expected, sabotaged, toy, toy_samples):
    found = []
    for tree in (toy(), sabotaged(LOOP)):
        with EmulatedEngine(tree, (4,), board) as engine:
            counts = engine.fit(*toy_samples).instructions
            found.append(np.array([counts.sum(), engine.training_cycles()]))
    assert (found[1] - found[0]).tolist() == [23 * len(toy_samples[0]), expected * len(toy_samples[0])]


@pytest.mark.parametrize("board", [NANO, PICO], ids=lambda board: board.name)
def test_both_counters_give_the_same_histogram(board, toy, toy_samples):
    totals = []
    for native in (True, False):
        with EmulatedEngine(toy(), (4,), board, native_counter=native) as engine:
            engine.fit(*toy_samples)
            engine.infer_instructions(toy_samples[0][:20])
            totals.append((engine.training_cycles(), engine.inference_cycles()))
    assert totals[0] == totals[1]


def test_inference_is_a_histogram_of_its_own(toy, toy_samples):
    with EmulatedEngine(toy(), (4,), NANO) as engine:
        assert engine.training_cycles() == engine.inference_cycles() == 0
        instructions = engine.infer_instructions(toy_samples[0]).sum()
        assert engine.training_cycles() == 0
        assert instructions < engine.inference_cycles() < 3 * instructions


def test_a_core_without_a_table_has_no_estimate(toy, toy_samples):
    with EmulatedEngine(toy(), (4,), RISCV) as engine:
        engine.fit(*toy_samples)
        assert engine.training_cycles() is None
        assert engine.inference_cycles() is None
