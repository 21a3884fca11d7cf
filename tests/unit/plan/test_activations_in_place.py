"""Which activations overwrite their input, and where an error gets a place of its own."""

import numpy as np
import pytest
from torch import nn

import tinyprop
from tinyprop.plan.lifetimes import Storage, storage_of


def storage(*layers: nn.Module) -> Storage:
    model = nn.Sequential(nn.Linear(4, 8), *layers)
    trainer = tinyprop.capture(model, np.zeros((1, 4), np.float32), name="net").train("full")
    return storage_of(trainer.train_program)


@pytest.mark.parametrize("activation", [nn.ReLU6(), nn.LeakyReLU(), nn.Hardsigmoid(), nn.Sigmoid(), nn.Tanh()])
def test_what_is_differentiated_from_its_output_overwrites_its_input(activation: nn.Module) -> None:
    places = storage(activation, nn.Linear(8, 2))
    (name,) = set(places.activation) - {"linear", "linear_1"}
    assert places.activation[name] == places.activation["linear"]
    assert places.error["linear"] == places.error[name] != places.activation["linear"]


def test_what_is_differentiated_from_its_input_leaves_it() -> None:
    places = storage(nn.Hardswish(), nn.Linear(8, 2))
    assert places.activation["hardswish"] != places.activation["linear"]
    assert places.error["linear"] == places.error["hardswish"] == places.activation["hardswish"]


def test_a_reshape_is_the_same_bytes() -> None:
    places = storage(nn.Unflatten(1, (2, 2, 2)), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(2, 2))
    assert places.activation["unflatten"] == places.activation["linear"]
    assert places.error["linear"] == places.error["unflatten"]


def test_outputs_that_a_derivative_needs_outlive_the_loss() -> None:
    places = storage(nn.Tanh())
    assert places.error["tanh"] != places.activation["tanh"]
    assert storage(nn.Hardswish()).error["hardswish"] == storage(nn.Hardswish()).activation["hardswish"]
