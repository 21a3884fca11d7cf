"""The whole battery where nothing undefined may happen: under ASan and UBSan on the host, with UBSan's traps on the
emulated board. What is computed there is the oracle's, bit for bit, so that the runs are known to be the real ones."""

import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from battery.networks import FROZEN, INPUTS, NETWORKS, samples, trainer_of
from battery.rules import EVERY_RULE
from tinyprop.codegen.layout import to_engine, weight_hash
from tinyprop.codegen.literals import c_float
from tinyprop.codegen.sound import KERNELS as SOUND_KERNELS
from tinyprop.codegen.source_tree import SourceTree
from tinyprop.ir.oracle import OracleTrainer
from tinyprop.targets import firmware, load_board
from tinyprop.targets.emulated import EmulatedEngine
from tinyprop.targets.toolchain import board_compiler

SANITIZED = ("-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all")
OPTIMISE = {"size": "-O0", "inline": "-O1"}  # inlined kernels with every check in them take gcc minutes at -O0
STEPS, LR = 4, 0.01
BUILDS = [*(("size", method) for method in (*EVERY_RULE, FROZEN)), ("inline", "tinyprop_v2")]


@cache
def oracle_of(name: str, method: str) -> tuple[list[np.float32], OracleTrainer]:
    """The losses of all steps, and the trainer after the last one."""
    oracle = OracleTrainer(trainer_of(name, method).train_program)
    return list(oracle.fit(*samples(STEPS), LR).loss), oracle


def expected_line(name: str, method: str) -> str:
    """What c/battery.c prints of a network."""
    losses, oracle = oracle_of(name, method)
    hashed, train = 0x811C9DC5, oracle.train
    for word in to_engine(train.program, oracle.parameters, train.trainable).view(np.uint32).tolist():
        hashed = (hashed ^ word) * 0x01000193 & 0xFFFFFFFF
    words = [int(loss.view(np.uint32)) for loss in losses]
    return " ".join([train.program.name, *(f"{word:08x}" for word in [*words, hashed])])


def battery_header(names: list[str]) -> str:
    """battery.h of c/battery.c."""
    x, labels = samples(STEPS)
    rows = ", ".join("{" + ", ".join(c_float(v) for v in row) + "}" for row in x)
    return "\n".join(
        [
            *(f'#include "{name}.h"' for name in names),
            f"#define BATTERY_EACH(M) {' '.join(f'M({name})' for name in names)}",
            f"#define BATTERY_STEPS {STEPS}U",
            f"#define BATTERY_RATE {c_float(LR)}",
            f"static const float battery_x[{STEPS}][{INPUTS}] = {{{rows}}};",
            f"static const uint32_t battery_labels[{STEPS}] = {{{', '.join(f'{y}U' for y in labels)}}};\n",
        ]
    )


@cache
def all_in_one(method: str, kernels: str) -> SourceTree:
    """The sources of every network side by side."""
    trees = [trainer_of(name, method, kernels).sources for name in NETWORKS]
    files = {path: text for tree in trees for path, text in tree.files.items()}
    sources = tuple(dict.fromkeys(source for tree in trees for source in tree.sources))
    return replace(trees[0], files=files, sources=sources)


@pytest.mark.parametrize(("kernels", "method"), BUILDS)
def test_every_case_keeps_to_its_memory_and_does_nothing_undefined(gcc, c_program, run, kernels, method):
    tree = all_in_one(method, kernels)
    header = battery_header([oracle_of(name, method)[1].train.program.name for name in NETWORKS])
    program = c_program(tree, "battery.c", gcc(OPTIMISE[kernels], *SANITIZED), {"battery.h": header})
    expected = [expected_line(name, method) for name in NETWORKS]
    assert run(program).splitlines() == expected
    assert run(program, "poison").splitlines() == expected


def test_every_kernel_is_called_by_the_battery():
    """Directly, or by a kernel that is; each rule by the methods that have it."""
    tree = all_in_one("full", "size")
    called = set().union(*(calls_in(all_in_one(method, "size")) for method in (*EVERY_RULE, FROZEN)))
    bodies = {path.split("/")[-1][:-2]: text for path, text in tree.files.items() if path.startswith("engine/src/")}
    while reached := {name for c in called & bodies.keys() for name in names_in(bodies[c])} - called:
        called |= reached
    # Optimizers and magnitudes of sound, which alone need a square root, targets and features have tests of their own.
    elsewhere = {"tp_clip_f32", "tp_velocity_f32", "tp_descend_f32", "tp_sqrtf", "tp_mean_squared_error_f32"}
    elsewhere |= set(SOUND_KERNELS) - {"tp_dense_fwd_f32"}
    assert bodies.keys() - called == {"tp_api", *elsewhere}


def calls_in(tree):
    """Every tp_ name in the generated files."""
    own = [text for path, text in tree.files.items() if not path.startswith("engine/")]
    return set().union(*(names_in(text) for text in own))


def names_in(text):
    return set(re.findall(r"\b(tp_\w+)\(", text))


@pytest.mark.parametrize(
    ("name", "method"), [(name, ("tinyprop_v2", "ours")[number % 2]) for number, name in enumerate(NETWORKS)]
)
def test_nothing_undefined_happens_on_the_emulated_board(monkeypatch, name, method):
    """Undefined behaviour traps, and a trap ends the emulation with an error."""
    trap = ("-fsanitize=undefined", "-fsanitize-trap=undefined")

    def trapping(*arguments):
        compiler = board_compiler(*arguments)
        return replace(compiler, flags=(*compiler.flags, *trap))

    monkeypatch.setattr(firmware, "board_compiler", trapping)
    trainer = NETWORKS[name].train(method, kernels="size")
    losses, oracle = oracle_of(name, method)
    x, labels = samples(STEPS)
    with EmulatedEngine(trainer.sources, (INPUTS,), load_board("nano33ble")) as board:
        assert board.fit(x, labels, lr=LR).loss.tolist() == losses
        board.train_program = trainer.train_program
        assert board.weight_hash() == weight_hash(oracle.parameters)
