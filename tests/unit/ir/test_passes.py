"""Fusing: what is merged, what is not, and that the network stays the same."""

import numpy as np
import pytest

from tinyprop.ir.graph import Program
from tinyprop.ir.ops import Clamp, Conv2d, Conv2dMaxPool, Dense, MaxPool2d, ReLU, Reshape, ScaleShift
from tinyprop.ir.oracle import run_forward
from tinyprop.ir.passes import PASSES, fuse
from tinyprop.ir.verify import verify

CONV = Conv2d(2, 3, (3, 3), padding=(1, 1))
TILES = MaxPool2d((2, 2), (2, 2))
OVERLAP = MaxPool2d((3, 3), (2, 2))
PADDED = MaxPool2d((2, 2), (2, 2), (1, 1))
MAP, SIGNAL = Reshape((2, 1, 64)), Reshape((2, 64))
CONV1D = Conv2d(2, 2, (1, 5), padding=(0, 2))
PAIRS = MaxPool2d((1, 2), (1, 2))


def kinds(program: Program) -> list[str]:
    """The operators' kinds, with '+' where a ReLU is fused."""
    return [n.op.kind + "+" * getattr(n.op, "relu", False) for n in program.nodes]


@pytest.mark.parametrize(
    ("ops", "expected"),
    [
        ([CONV, ReLU()], ["conv2d+"]),
        ([CONV, TILES], ["conv2d_max_pool"]),
        ([CONV, ReLU(), TILES], ["conv2d_max_pool+"]),
        ([CONV, TILES, ReLU()], ["conv2d_max_pool+"]),
        ([CONV, MaxPool2d((2, 1), (2, 1)), ReLU()], ["conv2d", "max_pool2d", "relu"]),  # apart, both kernels are faster
        ([Conv2d(2, 2, (5, 5), padding=(2, 2), groups=2), ReLU(), TILES], ["conv2d+", "max_pool2d"]),
        ([Conv2d(2, 3, (5, 5), padding=(2, 2)), ReLU(), TILES], ["conv2d_max_pool+"]),
        ([Conv2d(2, 3, (1, 1)), TILES], ["conv2d_max_pool"]),
        ([CONV, OVERLAP, ReLU()], ["conv2d", "max_pool2d", "relu"]),
        ([CONV, ReLU(), PADDED], ["conv2d+", "max_pool2d"]),
        ([ReLU(), CONV], ["relu", "conv2d"]),
        ([CONV, ScaleShift(3, 1e-5), ReLU(), TILES], ["conv2d", "scale_shift+", "max_pool2d"]),
        ([Reshape(), Dense(128, 3), ReLU(), Dense(3, 2)], ["reshape", "dense+", "dense"]),
        ([MAP, CONV1D, SIGNAL, ReLU(), MAP, PAIRS, Reshape()], ["reshape", "conv2d_max_pool+", "reshape"]),
        ([MAP, CONV1D, SIGNAL, Clamp(0, 6), MAP, CONV1D], ["reshape", "conv2d", "clamp", "conv2d"]),
        ([CONV, Reshape(), ReLU(), Dense(192, 3)], ["conv2d+", "reshape", "dense"]),
        ([MAP, SIGNAL, Reshape((8, 2, 8)), Reshape()], ["reshape"]),
        ([MAP, CONV1D, SIGNAL, MAP], ["reshape", "conv2d"]),
    ],
)
def test_fuse(chain, ops, expected) -> None:
    program = chain((2, 8, 8), *ops)
    fused = fuse(program)
    verify(fused)
    assert kinds(fused) == expected
    assert dict(fused.parameters) == dict(program.parameters)
    x = np.random.default_rng(1).normal(size=(2, 8, 8)).astype(np.float32)
    np.testing.assert_array_equal(
        run_forward(fused, x)[fused.output.name].y, run_forward(program, x)[program.output.name].y
    )


def test_passes_leave_their_input_alone_and_settle(chain) -> None:
    program = chain((2, 8, 8), CONV, TILES, ReLU(), Reshape(), Dense(48, 4))
    printed = str(program)
    fused = fuse(program)
    assert str(program) == printed
    assert all(step(fused) == fused for step in PASSES.values())
    assert isinstance(fused.nodes[0].op, Conv2dMaxPool)
    assert fused.nodes[0].name == program.nodes[0].name


def test_a_reshape_that_others_read_stays_where_it_is(chain) -> None:
    whole = chain((2, 8, 8), CONV, Reshape(), ReLU())
    both = Program(whole.name, whole.input, whole.values["v1"], whole.nodes, whole.values, whole.parameters)
    assert fuse(both) == both


def test_a_value_that_leaves_the_program_is_not_fused_away(chain) -> None:
    whole = chain((2, 8, 8), CONV, ReLU())
    both = Program(whole.name, whole.input, whole.values["v0"], whole.nodes, whole.values, whole.parameters)
    assert kinds(fuse(both)) == ["conv2d", "relu"]
