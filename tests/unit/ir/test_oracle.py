"""The oracle trainer: what a method decides, what is counted, what is refused."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tinyprop.errors import UserError
from tinyprop.ir.differentiate import differentiate
from tinyprop.ir.graph import Program
from tinyprop.ir.losses import CrossEntropy, MeanSquaredError
from tinyprop.ir.ops import Conv2d, Conv2dMaxPool, Dense, MaxPool2d, ReLU, Reshape
from tinyprop.ir.oracle import OracleTrainer
from tinyprop.ir.passes import fuse
from tinyprop.ir.train_program import TrainProgram
from tinyprop.methods.rules.keep_above import KeepAbove
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.never_skip import NeverSkip
from tinyprop.methods.rules.skip_by_loss import SkipByLoss
from tinyprop.methods.spec import TrainSpec

NEVER = NeverSkip()


def trained_by(program: Program, *selections, skip=NEVER, skip_zeros: bool = True) -> TrainProgram:
    return differentiate(
        program, TrainSpec("test", skip_zeros, skip, selections, skip_zero_inputs=True), CrossEntropy()
    )


def samples(shape: tuple[int, ...], count: int = 6) -> np.ndarray:
    x = np.random.default_rng(5).normal(size=(count, *shape)).astype(np.float32)
    return np.where(x > 0, x, np.zeros_like(x))  # zeros to skip


@pytest.fixture
def cnn(chain) -> Program:
    ops = [Conv2d(1, 3, (3, 3), padding=(1, 1)), ReLU(), MaxPool2d((2, 2), (2, 2)), Conv2d(3, 4, (2, 2)), ReLU()]
    return fuse(chain((1, 9, 8), *ops, Reshape(), Dense(36, 5)))


def test_leaving_out_zeros_changes_no_bit(cnn) -> None:
    x = samples((1, 9, 8))
    trained = []
    for skip_zeros in (False, True):
        oracle = OracleTrainer(trained_by(cnn, KeepAll(), KeepAll(), KeepAll(), skip_zeros=skip_zeros))
        trace = oracle.fit(x, np.arange(6) % 5, 0.1)
        trained.append((oracle.parameters, trace))
    for name in cnn.parameters:
        np.testing.assert_array_equal(trained[0][0][name], trained[1][0][name])
        assert not np.array_equal(trained[0][0][name], cnn.parameters[name])
    assert (trained[0][1].macs_backward > trained[1][1].macs_backward).all()
    np.testing.assert_array_equal(trained[0][1].kept, [[3 * 9 * 8, 4 * 3 * 3, 5]] * 6)  # every value computed
    assert (trained[1][1].kept < trained[0][1].kept)[:, :2].all()


def test_full_counts_without_padding_or_pool_are_those_on_paper(chain) -> None:
    program = fuse(chain((2, 6, 5), Conv2d(2, 3, (3, 2), (2, 1)), ReLU(), Reshape(), Dense(24, 4)))
    train = trained_by(program, KeepAll(), KeepAll(), skip_zeros=False)
    step = OracleTrainer(train).step(samples((2, 6, 5))[0], 1, 0.1)
    conv, dense = (node.op.macs(program.value_in(node).shape) for node in program.layers)
    assert step.macs_forward == conv.forward + dense.forward
    assert step.macs_backward == conv.weight_gradient + dense.weight_gradient + dense.input_error


def test_taps_on_padding_and_positions_left_over_by_the_pool_are_not_counted(chain) -> None:
    op = Conv2dMaxPool(Conv2d(1, 1, (3, 3), padding=(1, 1)), MaxPool2d((2, 2), (2, 2)))
    program = chain((1, 5, 4), op, Reshape(), Dense(4, 2))
    train = trained_by(program, KeepAll(), KeepAll(), skip_zeros=False)
    step = OracleTrainer(train).step(samples((1, 5, 4))[0], 1, 0.1)
    # 5×4 image, the pool looks at rows 0..3: vertical taps 2+3+3+3, horizontal 2+3+3+2.
    assert step.macs_forward == 11 * 10 + 4 * 2
    ran = op.forward(samples((1, 5, 4))[0], tuple(program.parameters[p] for p in program.layers[0].parameters))
    _, rows, columns = op.pool.places(ran.aux)
    taps = np.outer([2, 3, 3, 3, 2], [2, 3, 3, 2])[rows, columns].sum()
    assert step.macs_backward == 2 * 4 * 2 + taps


def test_dense_counts_only_what_is_not_zero(chain) -> None:
    program = fuse(chain((6,), Dense(6, 8), ReLU(), Dense(8, 3)))
    x = samples((6,))[1]
    train = trained_by(program, KeepAbove(1.0), KeepAll())
    oracle = OracleTrainer(train)
    hidden = program.nodes[0].op.forward(x, tuple(program.parameters[p] for p in program.nodes[0].parameters)).y
    alive, inputs = np.count_nonzero(hidden), np.count_nonzero(x)
    step = oracle.step(x, 2, 0.1)
    assert 0 < alive < 8
    assert 0 < inputs < 6
    assert step.kept == (2, 3)
    assert step.looks == 24
    assert step.macs_forward == inputs * 8 + alive * 3
    assert step.macs_backward == 2 * alive * 3 + inputs * 2


def test_zeros_of_the_networks_own_input_are_left_out_only_if_asked_to(chain) -> None:
    """Reshaped or not; what left a ReLU always is. Engine and oracle share the rule: nothing else sees it break."""
    program = fuse(chain((2, 3), Reshape(), Dense(6, 8), ReLU(), Dense(8, 3)))
    x = samples((2, 3))[1]
    asked = trained_by(program, KeepAbove(1.0), KeepAll())
    steps = [
        OracleTrainer(replace(asked, spec=replace(asked.spec, skip_zero_inputs=skip))).step(x, 2, 0.1)
        for skip in (True, False)
    ]
    first = next(node for node in program.nodes if isinstance(node.op, Dense))
    hidden = first.op.forward(x.reshape(6), tuple(program.parameters[p] for p in first.parameters)).y
    alive, inputs = np.count_nonzero(hidden), np.count_nonzero(x)
    assert 0 < alive < 8
    assert 0 < inputs < 6
    assert [step.macs_forward for step in steps] == [inputs * 8 + alive * 3, 6 * 8 + alive * 3]
    assert [step.macs_backward for step in steps] == [2 * alive * 3 + inputs * 2, 2 * alive * 3 + 6 * 2]


def test_zeros_of_the_losss_own_error_are_not_looked_for(chain) -> None:
    program = chain((2,), Dense(2, 3))
    oracle = OracleTrainer(differentiate(program, TrainSpec("test", True, NEVER, (KeepAll(),)), MeanSquaredError()))
    target = oracle.infer(np.float32([1, 2])).copy()
    target[0] += 1  # two of three errors are zero
    assert oracle.step(np.float32([1, 2]), target, 0.1).kept == (3,)


def test_zero_inputs_that_need_an_error_are_counted(chain) -> None:
    program = chain((2,), Dense(2, 3, bias=False), Dense(3, 2))  # no ReLU between: a zero there is not dead
    step = OracleTrainer(trained_by(program, KeepAll(), KeepAll())).step(np.zeros(2), 0, 0.1)
    assert step.macs_forward == 0
    assert step.macs_backward == 2 * 3 * 2


def test_a_skipped_step_changes_nothing(cnn) -> None:
    oracle = OracleTrainer(trained_by(cnn, KeepAll(), KeepAll(), KeepAll(), skip=SkipByLoss(100.0)))
    step = oracle.step(samples((1, 9, 8))[0], 1, 0.1)
    assert step.skipped
    assert step.kept == (0, 0, 0)
    assert step.macs_backward == 0
    assert oracle.parameters == dict(cnn.parameters)


def test_a_frozen_layer_stays_and_lets_the_error_pass(cnn) -> None:
    oracle = OracleTrainer(trained_by(cnn, KeepAll(), None, KeepAll()))
    plain = OracleTrainer(trained_by(cnn, KeepAll(), KeepAll(), KeepAll()))
    x = samples((1, 9, 8))[0]
    assert oracle.step(x, 1, 0.1).kept[1] == 0
    plain.step(x, 1, 0.1)
    for name in cnn.parameters:
        expected = cnn.parameters if name in cnn.layers[1].parameters else plain.parameters
        np.testing.assert_array_equal(oracle.parameters[name], expected[name])


def test_the_pass_ends_below_the_lowest_layer_that_trains(cnn) -> None:
    oracle = OracleTrainer(trained_by(cnn, None, None, KeepAll()))
    step = oracle.step(samples((1, 9, 8))[0], 1, 0.1)
    assert step.kept == (0, 0, 5)
    assert 0 < step.macs_backward <= 36 * 5


def test_the_pass_ends_where_nothing_is_kept(chain) -> None:
    layers = [Dense(3, 4), ReLU(), Dense(4, 4), ReLU(), Dense(4, 4), ReLU(), Dense(4, 2)]
    program = fuse(chain((3,), *layers))
    alive, off = np.full(4, 10, np.float32), np.full(4, -100, np.float32)
    dead = {**program.parameters, "0.bias": alive, "4.bias": off}
    oracle = OracleTrainer(trained_by(program, KeepAll(), None, KeepAll(), KeepAll()))
    oracle.parameters = dead
    step = oracle.step(np.ones(3, np.float32), 0, 0.1)
    assert step.kept == (0, 0, 0, 2)
    assert step.macs_backward == 0  # the output layer's inputs are all zero, and the frozen layer is not reached
    np.testing.assert_array_equal(oracle.parameters["0.weight"], dead["0.weight"])


@pytest.mark.parametrize(
    ("x", "label", "lr", "message"),
    [
        (np.ones(4), 0, 0.1, "the sample has shape (4,), but 'chain' takes (3,)"),
        (np.array([1, np.nan, 1]), 0, 0.1, "NaN or infinity"),
        (np.array([1, 3e38, 3e38]), 0, 0.1, "the outputs contain NaN or infinity"),
        (np.ones(3), 2, 0.1, "label 2 is not a class: labels run from 0 to 1"),
        (np.ones(3), -1, 0.1, "label -1 is not a class"),
        (np.ones(3), 0, math.nan, "the learning rate is nan"),
        (np.ones(3), 0, -0.1, "the learning rate is -0.1"),
    ],
)
def test_bad_input_is_refused_and_weights_stay(chain, x, label, lr, message) -> None:
    oracle = OracleTrainer(trained_by(chain((3,), Dense(3, 2)), KeepAll()))
    oracle.parameters["0.weight"] = np.full((2, 3), 2, np.float32)
    before = {name: array.copy() for name, array in oracle.parameters.items()}
    with pytest.raises(UserError) as caught:
        oracle.step(x, label, lr)
    assert message in str(caught.value)
    for name, array in before.items():
        np.testing.assert_array_equal(oracle.parameters[name], array)
