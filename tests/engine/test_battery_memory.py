"""The whole battery where nothing undefined may happen: under ASan and UBSan on the host, with UBSan's traps on the
emulated board. What is computed there is the oracle's, bit for bit, so that the runs are known to be the real ones."""

import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from battery.networks import CLASSES, FROZEN, INPUTS, NETWORKS, cases_of, network_of, samples, trainer_of
from battery.rules import EVERY_RULE
from battery.sanitizers import sanitized
from tinyprop.codegen.generate import PUBLIC
from tinyprop.codegen.layout import to_engine, weight_hash
from tinyprop.codegen.literals import c_float
from tinyprop.codegen.sound import KERNELS as SOUND_KERNELS
from tinyprop.codegen.source_tree import SourceTree
from tinyprop.ir.oracle import OracleTrainer
from tinyprop.methods.optimizer import SGD
from tinyprop.targets import firmware, load_board
from tinyprop.targets.emulated import EmulatedEngine
from tinyprop.targets.toolchain import board_compiler

STEPS, LR = 4, 0.01
# Optimizers, targets and features have tests of their own.
ELSEWHERE = {"tp_clip_f32", "tp_velocity_f32", "tp_descend_f32", "tp_mean_squared_error_f32"}
ELSEWHERE |= set(SOUND_KERNELS) - {"tp_dense_fwd_f32", "tp_sqrtf"}
TRAPPED = [(name, ("tinyprop_v2", "ours")[number % 2]) for number, name in enumerate(NETWORKS)]
TRAPPED += [("activations", FROZEN)]  # kernels of layers that do not learn
# Rules that are in no other build.
TRAPPED += [
    ("activations", name) for name in ("random_k", "memorised_top_k", "velocity", "partial_updates", "ours_at_effort")
]
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


@pytest.fixture
def trapping(monkeypatch):
    """Firmware in which undefined behaviour traps, and a trap ends the emulation with an error."""

    def compiler_of(*arguments):
        compiler = board_compiler(*arguments)
        return replace(compiler, flags=(*compiler.flags, "-fsanitize=undefined", "-fsanitize-trap=undefined"))

    monkeypatch.setattr(firmware, "board_compiler", compiler_of)


@pytest.mark.parametrize(("kernels", "method"), BUILDS)
def test_every_case_keeps_to_its_memory_and_does_nothing_undefined(gcc, c_program, run, kernels, method):
    tree = all_in_one(method, kernels)
    header = battery_header([oracle_of(name, method)[1].train.program.name for name in NETWORKS])
    program = c_program(tree, "battery.c", gcc(*sanitized(kernels)), {"battery.h": header})
    expected = [expected_line(name, method) for name in NETWORKS]
    assert run(program).splitlines() == expected
    assert run(program, "poison").splitlines() == expected


def test_every_kernel_is_called_by_the_battery():
    """Directly, or by a kernel that is; each rule by the methods that have it. By the board's runs as by the host's."""
    tree = all_in_one("full", "size")
    called = set().union(*(calls_in(all_in_one(method, "size")) for method in (*EVERY_RULE, FROZEN)))
    on_board = set().union(*(calls_in(trainer_of(name, method, "size").sources) for name, method in TRAPPED))
    assert called - on_board == set()
    called |= on_board
    bodies = {path.split("/")[-1][:-2]: text for path, text in tree.files.items() if path.startswith("engine/src/")}
    while reached := {name for c in called & bodies.keys() for name in names_in(bodies[c])} - called:
        called |= reached
    public = {path.removeprefix("engine/src/").removesuffix(".c") for path in PUBLIC}
    assert bodies.keys() - called == {*public, *ELSEWHERE}


def calls_in(tree):
    """Every tp_ name in the generated files."""
    own = [text for path, text in tree.files.items() if not path.startswith("engine/")]
    return set().union(*(names_in(text) for text in own))


def names_in(text):
    return set(re.findall(r"\b(tp_\w+)\(", text))


@pytest.mark.parametrize(("name", "method"), TRAPPED)
def test_nothing_undefined_happens_on_the_emulated_board(trapping, name, method):
    losses, oracle = oracle_of(name, method)
    trainer = trainer_of(name, method, "size")
    with EmulatedEngine(trainer.sources, (INPUTS,), load_board("nano33ble")) as board:
        assert board.fit(*samples(STEPS), lr=LR).loss.tolist() == losses
        board.train_program = trainer.train_program
        assert board.weight_hash() == weight_hash(oracle.parameters)


def test_nor_with_targets_and_every_option_of_the_optimizer(trapping):
    sgd = SGD(momentum=0.9, weight_decay=0.01, clip=0.5)
    network = network_of("b_targets", cases_of("dense")[:2])
    trainer = network.train("ours", "mse", sgd, kernels="size")
    x = samples(STEPS)[0]
    targets = np.random.default_rng(2).normal(size=(STEPS, CLASSES)).astype(np.float32)
    oracle = OracleTrainer(trainer.train_program)
    losses = oracle.fit(x, targets, LR).loss.tolist()
    assert calls_in(trainer.sources) >= ELSEWHERE - set(SOUND_KERNELS)
    with trainer.build("nano33ble") as board:
        assert board.fit(x, targets, lr=LR, progress=False).loss.tolist() == losses
        assert board.weight_hash() == weight_hash(oracle.parameters)
