"""Of which activations the backward pass needs one bit only, and the steps that are made of that."""

import numpy as np
import pytest
from torch import nn

import tinyprop
from tinyprop.ir.differentiate import differentiate
from tinyprop.ir.losses import MeanSquaredError
from tinyprop.ir.masks import maskable, with_masks
from tinyprop.ir.passes import fuse
from tinyprop.ir.train_program import BackwardStep, ForwardStep, PackMaskStep, PassErrorStep, TrainProgram
from tinyprop.ir.trainable import spec_of


def program_of(*layers: nn.Module, shape: tuple[int, ...], trainable: tuple[str, ...] | None = None) -> TrainProgram:
    """Nothing packed yet; mean squared error, which a ReLU may precede."""
    program = fuse(tinyprop.capture(nn.Sequential(*layers), np.zeros((1, *shape), np.float32), name="net").program)
    return differentiate(program, spec_of(program, tinyprop.Full(), trainable), MeanSquaredError())


def conv(inputs: int, outputs: int) -> nn.Module:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


@pytest.mark.parametrize("activation", [nn.ReLU(), nn.ReLU6(), nn.LeakyReLU()])
def test_in_front_of_an_average_pool_bits_are_enough(activation: nn.Module) -> None:
    layers = (conv(1, 2), activation, nn.AvgPool2d(2), nn.Flatten(), nn.Linear(8, 2))
    (value,) = maskable(program_of(*layers, shape=(1, 4, 4)))
    assert value in ("relu", "hardtanh", "leaky_relu")


@pytest.mark.parametrize("activation", [nn.Tanh(), nn.Sigmoid(), nn.Hardswish(), nn.Hardsigmoid(), nn.Identity()])
def test_other_derivatives_need_numbers(activation: nn.Module) -> None:
    layers = (conv(1, 2), activation, nn.AvgPool2d(2), nn.Flatten(), nn.Linear(8, 2))
    assert maskable(program_of(*layers, shape=(1, 4, 4))) == ()


def test_an_activation_that_an_update_reads_is_kept_whole() -> None:
    layers = (nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 2))
    assert maskable(program_of(*layers, shape=(4,))) == ()
    assert maskable(program_of(*layers, shape=(4,), trainable=("0",))) == ("relu", "relu_1")
    assert maskable(program_of(*layers, shape=(4,), trainable=("0", "2"))) == ("relu_1",)
    assert maskable(program_of(*layers, shape=(4,), trainable=("0", "4"))) == ("relu",)
    assert maskable(program_of(*layers, shape=(4,), trainable=("4",))) == ()
    layers = (nn.Linear(4, 8), nn.ReLU6(), nn.Linear(8, 6), nn.ReLU6(), nn.Linear(6, 2))  # read by two steps each
    assert maskable(program_of(*layers, shape=(4,))) == ()
    assert maskable(program_of(*layers, shape=(4,), trainable=("0", "2"))) == ("hardtanh_1",)


def test_a_reshape_passes_the_same_elements_on() -> None:
    layers = (conv(1, 2), nn.ReLU(), nn.Flatten(), nn.Linear(32, 2))
    assert maskable(program_of(*layers, shape=(1, 4, 4))) == ()
    train = program_of(*layers, shape=(1, 4, 4), trainable=("0",))
    assert maskable(train) == ("relu",)
    head = next(step for step in with_masks(train, ("relu",)).steps if isinstance(step, BackwardStep))
    assert (head.node.input, head.packed_input) == ("flatten", "relu")


def test_bits_are_packed_as_soon_as_they_are_known_and_named_by_who_reads_them() -> None:
    layers = (conv(1, 2), nn.ReLU6(), conv(2, 3), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(12, 5), nn.ReLU())
    train = program_of(*layers, shape=(1, 4, 4), trainable=("0",))
    assert maskable(train) == ("hardtanh", "relu", "relu_1")
    steps = with_masks(train, maskable(train)).steps
    for time, step in enumerate(steps):
        if isinstance(step, PackMaskStep):
            before = steps[time - 1]
            assert isinstance(before, ForwardStep)
            assert before.node == step.node
    read = {
        step.node.name: step.packed if isinstance(step, PassErrorStep) else (step.packed_input, step.packed_output)
        for step in steps
        if isinstance(step, PassErrorStep | BackwardStep)
    }
    assert read == {
        "6": (None, "relu_1"),
        "flatten": None,
        "avg_pool2d": None,
        "2": (None, "relu"),
        "hardtanh": "hardtanh",
        "0": (None, None),
    }


def test_without_values_nothing_changes() -> None:
    train = program_of(conv(1, 2), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(8, 2), shape=(1, 4, 4))
    assert with_masks(train, ()) == train
