"""Power cut at every operation of a save loses nothing and mixes nothing, on every geometry; broken engines do."""

import json
import re
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from tinyprop.bench.power_loss.config import (
    AFTER,
    BEFORE,
    CUTS,
    GEOMETRIES,
    PAIRS,
    REFUSED,
    REORDERED,
    SMALL,
    SMALLEST,
    TORN,
    WEAK,
    WEAKEST,
    PowerLossConfig,
)
from tinyprop.bench.power_loss.run import EMULATED_FLASH, Bench
from tinyprop.bench.power_loss_command import power_loss_command
from tinyprop.codegen.generate import engine_files
from tinyprop.ir.chain import chain
from tinyprop.ir.ops import Dense, ReLU

*_, FRAM = GEOMETRIES
CHECKPOINT = "engine/src/tp_checkpoint.c"
# Several blocks of 128 bytes, one of the larger ones: a sixtieth of the cuts of `make powerloss`, in a second.
MIDDLING = chain("middling", (16,), (Dense(16, 12), ReLU(), Dense(12, 5)))


@pytest.fixture(scope="module")
def small():
    return Bench(SMALL)


@pytest.fixture(scope="module")
def middling():
    return Bench(MIDDLING)


def test_cuts_are_numbered_as_in_the_header():
    _, header = EMULATED_FLASH
    assert header.suffix == ".h"
    names = re.findall(r"^ +FLASH_CUT_(\w+)", header.read_text(encoding="utf-8"), re.MULTILINE)
    cuts = {"BEFORE": BEFORE, "AFTER": AFTER, "TORN": TORN, "WEAK": WEAK, "REFUSED": REFUSED, "REORDERED": REORDERED}
    assert names == sorted(cuts, key=lambda name: cuts[name].number)


@pytest.mark.parametrize("cut", CUTS, ids=lambda cut: cut.name)
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda geometry: geometry.name)
def test_one_cut_leaves_the_old_state_or_the_new_one(middling, geometry, cut):
    case = middling.cut(geometry, cut)
    assert case.is_good, case
    assert case.tried == case.operations * cut.draws
    units = -(-(32 + case.state_bytes) // geometry.unit)
    blocks = -(-(32 + case.state_bytes) // geometry.block) if geometry.erases else 0
    assert 0.95 * units <= case.operations <= units + blocks  # a unit that stays as it is needs none


@pytest.mark.parametrize("cut", CUTS, ids=lambda cut: cut.name)
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda geometry: geometry.name)
def test_a_cut_of_the_first_save_of_all(small, geometry, cut):
    case = small.cut_first(geometry, cut)
    assert case.is_good, case
    assert case.tried >= 2 * case.operations


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=lambda cut: cut.name)
def test_two_cuts_one_after_the_other(small, first, second):
    case = small.cut_twice(SMALLEST, first, second)
    assert case.is_good, case
    assert case.tried >= case.operations**2 / 2


def test_weak_bits_are_written_again(small):
    assert small.save_after(WEAKEST, WEAK).is_good


def test_every_turned_bit_is_noticed(small):
    case = small.flip_bits(SMALLEST, 1)
    assert case.tried == 16 * (32 + case.state_bytes)
    assert case.is_good, case


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda geometry: geometry.name)
def test_a_save_writes_hardly_more_than_the_state(geometry):
    cost = Bench(PowerLossConfig().learning).save_cost(geometry)
    assert 1 <= cost.over_raw <= 1.1


def broken(*changes):
    text = engine_files()[CHECKPOINT]
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return Bench(SMALL, {CHECKPOINT: text})


NO_CRC = (("return crc == tp_word(header, CRC);", "return 1;"), ("|| crc != tp_word(header, CRC)", ""))
BREAKS = {
    "no CRC": (NO_CRC, lambda bench: bench.flip_bits(SMALLEST, 1)),
    "the newest slot is written over": (
        ((("(newest + 1U) % c->slots"), "newest"),),
        lambda bench: bench.cut(SMALLEST, AFTER),
    ),
    "the oldest slot is taken": (
        (("- found.sequence < UINT32_MAX / 2U", "- found.sequence >= UINT32_MAX / 2U"),),
        lambda bench: bench.cut(SMALLEST, AFTER),
    ),
    "equal blocks are trusted after a cut": (
        (("if (keep_equal && ", "if (keep_equal >= 0 && "),),
        lambda bench: bench.save_after(WEAKEST, WEAK),
    ),
    "no CRC, and the header goes first": (
        (
            *NO_CRC,
            (
                "program_part(image, slot, unit, tp_least(block, end)) && tp_flash_sync(flash)\n"
                "        && program_part(image, slot, 0U, unit)",
                "program_part(image, slot, 0U, unit) && program_part(image, slot, unit, tp_least(block, end))",
            ),
        ),
        lambda bench: bench.cut(FRAM, replace(REORDERED, draws=50)),
    ),
    "a slot that cannot be read stops the search": (
        (
            (
                "        if (whole >= 0 && readable",
                "        if (whole < 0) {\n            return whole;\n        }\n        if (readable",
            ),
        ),
        lambda bench: bench.cut(SMALLEST, REFUSED),
    ),
    "a first save that cannot be read stops all others": (
        (("readable == c->slots ? TP_CHECKPOINT_ERR_FLASH", "readable != 0U ? TP_CHECKPOINT_ERR_FLASH"),),
        lambda bench: bench.cut_first(SMALLEST, REFUSED),
    ),
    "one velocity is forgotten": (
        (
            (
                "    if (!low_byte_first()) {",
                "    memset((uint8_t *)model->memory + 4U * model->program->parameters, 0, 4U);\n"
                "    if (!low_byte_first()) {",
            ),
        ),
        lambda bench: bench.cut(SMALLEST, TORN),
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_engine_is_found(name):
    changes, case_of = BREAKS[name]
    assert not case_of(broken(*changes)).is_good


def test_the_command_prints_and_writes_what_was_tried(tmp_path):
    small_run = PowerLossConfig((SMALLEST,), learning=MIDDLING, flip_every=997, measures_rewritten=False)
    console = Console(file=StringIO(), width=120)
    assert power_loss_command(console, json_path=tmp_path / "powerloss.json", config=small_run) == 0
    cases = json.loads((tmp_path / "powerloss.json").read_text())["cases"]
    assert {"geometry", "kind", "tried", "lost", "mixed"} <= set(cases[0])
    assert sum(case["lost"] + case["mixed"] for case in cases) == 0
    tried = sum(case["tried"] for case in cases)
    assert f"Nothing lost and nothing mixed in {tried:,}" in console.file.getvalue()
