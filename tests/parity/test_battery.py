"""The whole battery: the oracle's derivatives against float64 finite differences and PyTorch autograd, and the engine
against the oracle bit for bit, in both builds."""

import shutil
from collections.abc import Mapping
from dataclasses import fields
from functools import cache

import numpy as np
import pytest
import torch

from battery.cases import CASES, LOSS_CASES, Case
from battery.differentiation import DIFFERENCES, OTHERS, assert_is_autograd, draw, finite_differences, own
from battery.networks import FROZEN, GROUPS, NETWORKS, network_of, samples, trainer_of
from battery.torch_twin import TWINS, loss_twin
from tinyprop.codegen.layout import weight_hash
from tinyprop.ir.losses import LOSSES, Loss
from tinyprop.ir.op import LayerOp
from tinyprop.ir.ops import OPS
from tinyprop.ir.ops.conv2d import Conv2d, ConvKernels
from tinyprop.ir.ops.dense import Dense
from tinyprop.ir.oracle import OracleTrainer
from tinyprop.targets.host import HostEngine
from tinyprop.trace import StepTrace

STEPS, LR = 12, 0.01
TOOLCHAIN = "gcc" if shutil.which("gcc") else "zig"

every_case = pytest.mark.parametrize("case", [case for cases in CASES.values() for case in cases], ids=str)
every_loss = pytest.mark.parametrize(
    ("loss", "outputs"), [case for cases in LOSS_CASES.values() for case in cases], ids=str
)


def test_no_operator_and_no_loss_is_left_out() -> None:
    assert CASES.keys() == OPS.keys()
    assert LOSS_CASES.keys() == LOSSES.keys()
    assert set(TWINS) == set(OPS.values())
    for kind, cases in CASES.items():
        assert {case.op.kind for case in cases} == {kind}
        assert len(set(cases)) >= 3
    assert sum(GROUPS.values(), ()) == tuple(dict.fromkeys(sum(GROUPS.values(), ())))
    assert set(sum(GROUPS.values(), ())) == set(sum(CASES.values(), ()))
    assert {type(loss) for cases in LOSS_CASES.values() for loss, _ in cases} == set(LOSSES.values())


def test_every_choice_a_layer_has_is_in_the_battery() -> None:
    for kind, cases in CASES.items():
        layers = [case.op for case in cases if isinstance(case.op, LayerOp)]
        assert not layers or {(op.bias, op.relu) for op in layers} == {(b, r) for b in (0, 1) for r in (0, 1)}, kind
    convs = [case for case in CASES["conv2d"] if isinstance(case.op, Conv2d)]
    assert {case.op.kernels(case.shapes[0]) for case in convs} == set(ConvKernels)
    assert {case.op.blocked(case.shapes[0]) for case in CASES["conv2d_max_pool"]} == {True, False}


@every_case
def test_backward_is_the_finite_difference_of_forward(case: Case) -> None:
    arguments, error = draw(case.op, case.shapes, np.float64)

    gradients = own(case.op, arguments, error).gradients
    varied, fixed = arguments[: len(gradients)], arguments[len(gradients) :]

    def value(*moved: np.ndarray) -> float:
        xs, parameters = moved[: len(case.shapes)], (*moved[len(case.shapes) :], *fixed)
        return float(np.sum(error * case.op.run(xs, parameters).y))

    for gradient, difference in zip(gradients, finite_differences(value, varied), strict=True):
        np.testing.assert_allclose(gradient, difference, **DIFFERENCES)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@every_case
def test_forward_and_backward_are_those_of_autograd(case: Case, dtype: type) -> None:
    assert_is_autograd(case.op, *draw(case.op, case.shapes, dtype))


@every_loss
def test_error_of_a_loss_is_its_finite_difference_and_its_autograd(loss: Loss, outputs: int) -> None:
    rng = np.random.default_rng(outputs)
    y = rng.normal(size=outputs)
    truth = rng.normal(size=outputs) if loss.learns_targets else outputs // 2
    value, error = loss.loss_and_error(y, truth)
    [difference] = finite_differences(lambda moved: float(loss.loss_and_error(moved, truth)[0]), [y])
    np.testing.assert_allclose(error, difference, **DIFFERENCES)
    leaf = torch.from_numpy(y).requires_grad_()
    reference = loss_twin(loss, leaf, torch.from_numpy(truth) if loss.learns_targets else truth)
    np.testing.assert_allclose(value, reference.item(), **OTHERS[np.float64])
    np.testing.assert_allclose(error, torch.autograd.grad(reference, leaf)[0].numpy(), **OTHERS[np.float64])


# The sparse methods run in the other build in tests/engine/test_battery_memory.py, to the same bits.
# Wide: inlined as the host engine inlines them; inline: as firmware does.
WIDE = "wide"
BUILDS = [("full", "inline"), ("full", "size"), (FROZEN, "inline"), (FROZEN, "size"), ("tinyprop_v2", "size")]
BUILDS += [("ours", "inline"), ("full", WIDE), ("ours", WIDE)]


@cache
def taught(name: str, method: str) -> tuple[StepTrace, Mapping[str, np.ndarray]]:
    """What the oracle reports, and its weights afterwards: the same for every build."""
    oracle = OracleTrainer(trainer_of(name, method).train_program)
    return oracle.fit(*samples(STEPS), LR), oracle.parameters


@pytest.mark.parametrize(
    ("name", "method", "kernels"),
    [(name, *build) for name in NETWORKS for build in BUILDS if "conv2d" in name or build[1] != WIDE],
)
def test_the_engine_is_the_oracle_bit_for_bit(name: str, method: str, kernels: str) -> None:
    """Each branch ends in weights of its own, whose names tell which case went wrong."""
    trainer = trainer_of(name, method, "inline" if kernels == WIDE else kernels)
    expected, parameters = taught(name, method)
    x, labels = samples(STEPS)
    shape = trainer.train_program.program.input.shape
    with HostEngine(trainer.sources, shape, TOOLCHAIN, "-O1", wide=kernels == WIDE) as engine:
        engine.train_program = trainer.train_program
        got, weights = engine.fit(x, labels, lr=LR), engine.weights()
    different = [key for key, array in parameters.items() if weights[key].tobytes() != array.tobytes()]
    assert not different, {key: str(case_of(name, key)) for key in different}
    same_trace(got, expected)
    changed = {key for key, array in weights.items() if (array != trainer.train_program.program.parameters[key]).any()}
    if method in ("full", FROZEN):
        trained = {key for node in trainer.train_program.program.layers for key in node.trained}
        assert changed == {key for key in trained if method == "full" or "_below" in key}


def same_trace(got: StepTrace, expected: StepTrace) -> None:
    for field in fields(expected):
        if getattr(expected, field.name) is not None:
            np.testing.assert_array_equal(getattr(got, field.name), getattr(expected, field.name), field.name)


def case_of(name: str, parameter: str) -> Case:
    """The case in whose branch `parameter` is."""
    return GROUPS[name][int(parameter.removeprefix("b").partition("_")[0])]


@every_loss
def test_the_engine_learns_a_loss_as_the_oracle_does(loss: Loss, outputs: int) -> None:
    """In either build: the kernels of losses are the same in both."""
    kernels = "inline" if outputs in (1, 5) else "size"
    network = network_of("loss", [Case(Dense(3, 7, relu=True), ((3,),))], outputs)
    trainer = network.train("ours", loss, kernels=kernels)
    x, labels = samples(STEPS)
    truths = np.random.default_rng(2).normal(size=(STEPS, outputs)).astype(np.float32)
    y = truths if loss.learns_targets else labels % outputs
    oracle = OracleTrainer(trainer.train_program)
    expected = oracle.fit(x, y, LR)
    with trainer.build("host", toolchain=TOOLCHAIN, optimise="-O1") as engine:
        same_trace(engine.fit(x, y, lr=LR), expected)
        assert engine.weight_hash() == weight_hash(oracle.parameters)
