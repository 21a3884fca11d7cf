"""What a training step touches: only its own memory, nothing undefined, and nothing left behind in the arena."""

from dataclasses import replace

import numpy as np
import pytest

from battery.rules import EVERY_RULE
from battery.sanitizers import sanitized
from tinyprop.ir.masks import maskable, with_masks
from tinyprop.ir.oracle import OracleTrainer
from tinyprop.methods.optimizer import SGD
from tinyprop.targets import firmware, load_board
from tinyprop.targets.emulated import EmulatedEngine
from tinyprop.targets.toolchain import board_compiler

GEOMETRIES = ("mlp", "pooled", "strided", "overlapping", "separable", "grouped", "activated", "normalised")
BUILDS = [*(("size", method) for method in EVERY_RULE), ("inline", "tinyprop_v2")]


@pytest.mark.parametrize(("kernels", "method"), BUILDS)
@pytest.mark.parametrize("name", GEOMETRIES)
def test_steps_keep_to_their_memory_and_leave_nothing_in_the_arena(
    networks, gcc, c_program, run, name, method, kernels
):
    program = c_program(networks[name].train(method, kernels=kernels).sources, "drive.c", gcc(*sanitized(kernels)))
    left_alone = run(program)
    assert len(set(left_alone.splitlines())) > 100
    assert run(program, "poison") == left_alone


@pytest.mark.parametrize(
    ("name", "kernels"), [("mlp", "size"), ("pooled", "inline"), ("strided", "size"), ("normalised", "inline")]
)
def test_an_optimizer_keeps_to_its_memory_and_nothing_in_the_arena(networks, gcc, c_program, run, name, kernels):
    sgd = SGD(momentum=0.5, weight_decay=0.01, clip=0.5)
    sources = networks[name].train("tinyprop_v2", optimizer=sgd, kernels=kernels).sources
    program = c_program(sources, "drive.c", gcc(*sanitized(kernels)))
    left_alone = run(program)
    assert len(set(left_alone.splitlines())) > 100
    assert run(program, "poison") == left_alone


@pytest.mark.parametrize(
    ("name", "kernels", "trainable"),
    [
        *(("mlp", "inline", "biases"), ("pooled", "size", "biases"), ("separable", "inline", "biases")),
        *(("overlapping", "size", "last_block"), ("grouped", "size", ["0.bias", "5.weight"])),
        ("strided", "inline", ["0.bias", "last_layer"]),
    ],
)
def test_what_is_frozen_is_read_where_it_lies(networks, gcc, c_program, run, name, kernels, trainable):
    sgd = SGD(momentum=0.5, weight_decay=0.01) if kernels == "size" else SGD()
    sources = networks[name].train("tinyprop_v2", optimizer=sgd, kernels=kernels, trainable=trainable).sources
    program = c_program(sources, "drive.c", gcc(*sanitized(kernels)))
    left_alone = run(program)
    assert len(set(left_alone.splitlines())) > 50
    assert run(program, "poison") == left_alone


@pytest.mark.parametrize("name", ["mlp", "pooled", "separable", "grouped", "normalised"])
def test_masks_keep_to_their_memory_and_leave_nothing_in_the_arena(networks, gcc, c_program, run, name):
    first = networks[name].program.layers[0].name
    chosen = networks[name].train("tinyprop_v2", kernels="size", trainable=[first])
    train = chosen.train_program
    trainer = replace(chosen, train_program=with_masks(train, maskable(train)))
    assert len(trainer.storage.mask) >= 2
    program = c_program(trainer.sources, "drive.c", gcc(*sanitized("size")))
    left_alone = run(program)
    assert len(set(left_alone.splitlines())) > 90
    assert run(program, "poison") == left_alone


@pytest.mark.parametrize(
    ("name", "method"),
    [("pooled", "tinyprop_v2"), ("strided", "full"), ("overlapping", "full"), ("separable", "full")],
)
def test_wide_kernels_keep_to_their_memory_and_train_the_same(networks, gcc, c_program, run, name, method):
    sources = networks[name].train(method).sources
    plain, wide = (c_program(sources, "drive.c", gcc(*sanitized("inline"), *flags)) for flags in ((), ("-DTP_WIDE",)))
    assert run(wide) == run(plain) == run(wide, "poison")


@pytest.mark.parametrize("name", GEOMETRIES)
def test_both_ways_of_compiling_kernels_train_the_same(networks, gcc, c_program, run, name):
    printed = []
    for kernels in ("size", "inline"):
        tree = networks[name].train("tinyprop_v2", kernels=kernels).sources
        printed.append(run(c_program(tree, "drive.c", gcc(*sanitized(kernels)))))
    assert " 1:" in printed[0] or name in ("pooled", "separable", "grouped", "activated", "normalised"), (
        "no step was skipped"
    )
    assert printed[0] == printed[1]


@pytest.mark.parametrize("method", EVERY_RULE)
def test_relus_of_their_own_and_signed_zeros_train_as_in_the_oracle(networks, method):
    """Pruned weights are often -0.0, the one number to which adding a zero makes a difference."""
    network = networks["overlapping"]
    pruned = {name: np.where(np.abs(w) < 0.3, np.float32(-0.0), w) for name, w in network.program.parameters.items()}
    trainer = network.with_weights(pruned).train(method)
    x = np.random.default_rng(3).integers(-2, 3, (24, 1, 12, 11)).astype(np.float32)
    oracle = OracleTrainer(trainer.train_program)
    with trainer.build("host") as engine:
        got, expected = engine.fit(x, np.arange(24) % 5, lr=0.1), oracle.fit(x, np.arange(24) % 5, 0.1)
        trained = engine.weights()
        engine.set_parameters(np.full(engine.facts.parameters, -0.0, np.float32))
        assert not np.signbit(engine.parameters()).any()
    np.testing.assert_array_equal(got.loss, expected.loss)
    for name, array in oracle.parameters.items():
        assert np.ascontiguousarray(trained[name]).tobytes() == np.ascontiguousarray(array).tobytes(), name


@pytest.mark.parametrize(
    ("name", "method", "kernels"),
    [("mlp", "ours", "size"), ("mlp", "tinyprop_v2", "inline"), ("overlapping", "tinyprop_v2", "size")],
)
def test_nothing_undefined_happens_on_the_board(networks, monkeypatch, name, method, kernels):
    """Undefined behaviour traps, and a trap ends the emulation with an error."""
    trap = ("-fsanitize=undefined", "-fsanitize-trap=undefined")

    def trapping(*arguments):
        compiler = board_compiler(*arguments)
        return replace(compiler, flags=(*compiler.flags, *trap))

    monkeypatch.setattr(firmware, "board_compiler", trapping)
    trainer = networks[name].train(method, kernels=kernels)
    shape = trainer.train_program.program.input.shape
    x = np.random.default_rng(3).integers(-2, 3, (24, *shape)).astype(np.float32)
    with EmulatedEngine(trainer.sources, shape, load_board("nano33ble")) as board:
        trapped = board.fit(x, np.arange(24) % 5, lr=0.1)
    with trainer.build("host") as host:
        np.testing.assert_array_equal(trapped.loss, host.fit(x, np.arange(24) % 5, lr=0.1).loss)
