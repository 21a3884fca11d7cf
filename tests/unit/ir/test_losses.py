"""Losses on their own and at the end of a program: settings, what they refuse, where their error is kept."""

import hashlib

import numpy as np
import pytest

from tinyprop.codegen.layout import weight_hash
from tinyprop.errors import UserError
from tinyprop.ir.differentiate import differentiate, layer_infos
from tinyprop.ir.losses import CrossEntropy, Loss, MeanSquaredError, loss_of
from tinyprop.ir.ops import Dense, ReLU
from tinyprop.ir.oracle import OracleTrainer
from tinyprop.ir.passes import fuse
from tinyprop.ir.train_program import TrainProgram
from tinyprop.methods import Full
from tinyprop.plan.lifetimes import storage_of


def trained_by(loss: Loss, chain, *tail) -> TrainProgram:
    program = fuse(chain((6,), Dense(6, 8), ReLU(), Dense(8, 4), *tail))
    return differentiate(program, Full().spec(layer_infos(program)), loss)


def test_without_smoothing_every_bit_is_as_before_there_was_smoothing(chain) -> None:
    oracle = OracleTrainer(trained_by(CrossEntropy(label_smoothing=0), chain))
    x = np.random.default_rng(1).normal(size=(10, 6)).astype(np.float32)
    losses = oracle.fit(x, np.arange(10) % 4, 0.1).loss
    assert hashlib.sha256(losses.tobytes()).hexdigest().startswith("3dec02fdb67f7cd0")
    assert weight_hash(oracle.parameters).startswith("c0704bb4327d0fb192f9c8ff551db47f")


def test_losses_by_name() -> None:
    assert loss_of("cross_entropy") == CrossEntropy(label_smoothing=0.0)
    assert loss_of("mse") == MeanSquaredError()
    assert loss_of(CrossEntropy(0.2)) == CrossEntropy(0.2)


@pytest.mark.parametrize("smoothing", [-0.1, 1.1, float("nan")])
def test_smoothing_is_a_fraction(smoothing) -> None:
    with pytest.raises(UserError, match=f"CrossEntropy was given label_smoothing={smoothing}, which is no fraction"):
        CrossEntropy(smoothing)


@pytest.mark.parametrize(
    ("loss", "truth", "sentence"),
    [
        (CrossEntropy(), 4, "label 4 is not a class: labels run from 0 to 3"),
        (CrossEntropy(), 1.0, "cross-entropy learns class labels, not 1.0"),
        (CrossEntropy(), np.zeros(4), "cross-entropy learns class labels"),
        (
            MeanSquaredError(),
            1,
            r"the target has shape \(\), but mean squared error learns one float per output, \(4,\)",
        ),
        (MeanSquaredError(), np.zeros(5), r"the target has shape \(5,\)"),
        (MeanSquaredError(), np.array([0, 0, 0, np.inf]), "the target contains NaN or infinity"),
        (MeanSquaredError(), np.array([0, 0, 0, -3e38]), "the loss is NaN or infinite"),
    ],
)
def test_a_truth_that_cannot_be_learned_is_refused_and_weights_stay(chain, loss, truth, sentence) -> None:
    oracle = OracleTrainer(trained_by(loss, chain))
    before = weight_hash(oracle.parameters)
    with pytest.raises(UserError, match=sentence):
        oracle.step(np.ones(6), truth, 0.1)
    assert weight_hash(oracle.parameters) == before


def test_only_squared_errors_come_through_a_relu(chain) -> None:
    trained_by(MeanSquaredError(), chain, ReLU())
    with pytest.raises(UserError, match="'chain' ends in a ReLU: cross-entropy needs raw outputs"):
        trained_by(CrossEntropy(), chain, ReLU())


def test_the_error_overwrites_the_outputs_unless_a_relu_needs_them(chain) -> None:
    plain, masked = (trained_by(MeanSquaredError(), chain, *tail) for tail in ((), (ReLU(),)))
    storage = storage_of(plain)
    assert storage.error[plain.program.output.name] == storage.activation[plain.program.output.name]
    storage = storage_of(masked)
    assert storage.error[masked.program.output.name] != storage.activation[masked.program.output.name]
