"""Which activations overwrite their input, and where an error gets a place of its own."""

import numpy as np
import pytest
from torch import nn

import tinyprop
from tinyprop.plan.lifetimes import Storage, storage_of


def storage(*layers: nn.Module, **settings: object) -> Storage:
    model = nn.Sequential(nn.Linear(4, 8), *layers)
    network = tinyprop.capture(model, np.zeros((1, 4), np.float32), name="net", batch_norm="train")
    return storage_of(network.train("full", **settings).train_program)


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


def test_a_batch_norm_that_trains_keeps_its_input_and_turns_its_error_in_place() -> None:
    places = storage(nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
    assert places.activation["relu"] != places.activation["linear"]
    assert places.error["linear"] == places.error["relu"] == places.activation["relu"]


def test_a_frozen_batch_norm_overwrites_its_input() -> None:
    places = storage(nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2), trainable=["0", "3"])
    assert places.activation["relu"] == places.activation["linear"]
    assert places.error["linear"] == places.error["relu"]


def test_an_error_that_the_update_behind_it_needs_stays() -> None:
    places = storage(nn.BatchNorm1d(8), nn.Linear(8, 2), optimizer=tinyprop.SGD(momentum=0.5))
    assert places.error["linear"] != places.error["batch_norm"]
