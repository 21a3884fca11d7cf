"""What packed masks do to the plan: less memory or no masks, and buffers that their readers can reuse."""

from itertools import starmap

import numpy as np
import pytest
import torch
from torch import nn

import tinyprop
from tinyprop.ir.differentiate import differentiate
from tinyprop.ir.passes import fuse
from tinyprop.ir.trainable import spec_of
from tinyprop.plan.lifetimes import Storage, storage_of
from tinyprop.plan.masks import with_useful_masks
from tinyprop.plan.plan import most_live_bytes


def trainer_of(*layers: nn.Module, shape: tuple[int, ...], trainable: list[str] | None = None) -> tinyprop.Trainer:
    network = tinyprop.capture(nn.Sequential(*layers), np.zeros((1, *shape), np.float32), name="net")
    return network.train("full", trainable=trainable)


def unpacked(trainer: tinyprop.Trainer, trainable: list[str] | None = None) -> Storage:
    """The same step with whole activations."""
    train = trainer.train_program
    program = fuse(train.program)
    return storage_of(differentiate(program, spec_of(program, tinyprop.Full(), trainable), train.loss))


def span(storage: Storage, name: str) -> tuple[int, int]:
    (found,) = (buffer for buffer in storage.buffers if buffer.name == name)
    return found.first, found.last


def test_the_last_relu_before_the_global_pool_becomes_bits() -> None:
    layers = (nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    trainer = trainer_of(*layers, shape=(1, 10, 11))
    storage = trainer.storage
    assert dict(storage.mask) == {"relu": "relu.mask"}
    (mask,) = (buffer for buffer in storage.buffers if buffer.name == "relu.mask")
    assert mask.bytes == 4 * 8 * 9 // 8
    assert span(storage, "relu")[1] < mask.last  # the map itself is gone when the pool has read it
    assert trainer.plan.lower_bound_bytes < most_live_bytes(unpacked(trainer).buffers)


def test_an_activation_with_a_mask_is_overwritten_by_what_reads_it() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.a, self.head = nn.Conv2d(1, 4, 1), nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.stem(x)
            return self.head((x + self.a(x).relu()).relu().mean((2, 3)))

    network = tinyprop.capture(Block(), torch.zeros(1, 1, 8, 8), name="net")
    storage = network.train("full").storage
    relu_of_conv, block = storage.activation["relu"], storage.activation["add"]
    assert block == relu_of_conv  # the addition's second input: its first one, `x`, is read by the update of `a`
    assert storage.activation["relu_1"] == block
    assert set(storage.mask) == {"relu"}  # with bits of `relu_1` too nothing would be gained


def test_a_mask_that_saves_nothing_is_not_packed() -> None:
    """The first activation is larger than everything behind it: nothing is gained by bits later on."""
    layers = (nn.Conv2d(1, 16, 3), nn.AvgPool2d(4), nn.Conv2d(16, 2, 1), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten())
    trainer = trainer_of(*layers, nn.Linear(8, 2), shape=(1, 18, 18), trainable=["6"])
    assert not trainer.storage.mask
    trainer = trainer_of(*layers, nn.Linear(8, 2), shape=(1, 18, 18), trainable=["2", "6"])
    assert not trainer.storage.mask
    assert trainer.train_program == with_useful_masks(trainer.train_program)


def test_a_mask_without_which_others_do_no_harm_is_not_packed_either() -> None:
    """No single mask can be left out of those that are all of no use together."""
    widths = ((8, 100), (100, 8), (8, 30), (30, 3), (3, 30))
    activations = (nn.LeakyReLU(), nn.ReLU6(), nn.ReLU6(), nn.ReLU(), nn.ReLU())
    layers = [module for pair in zip(starmap(nn.Linear, widths), activations, strict=True) for module in pair]
    network = tinyprop.capture(nn.Sequential(*layers), np.zeros((1, 8), np.float32), name="net")
    assert not network.train("full", loss="mse", trainable=["6"]).storage.mask


def test_an_error_does_not_hold_the_place_of_an_input_that_nobody_reads_any_more() -> None:
    """Frozen dense layers without a ReLU between them: an error needs a place only from its own step on."""
    layers = (nn.Linear(4, 6), nn.Linear(6, 40), nn.Linear(40, 3), nn.Linear(3, 2))
    storage = trainer_of(*layers, shape=(4,), trainable=["0"]).storage
    wide = storage.activation["linear_1"]
    assert storage.error["linear_1"] != wide
    assert span(storage, wide)[1] == 2


@pytest.mark.parametrize("trainable", [None, ["0"], ["2"], ["5"], ["0", "5"], ["2", "7"]])
def test_no_plan_gets_larger(trainable: list[str] | None) -> None:
    layers = (nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Conv2d(3, 4, 3), nn.LeakyReLU(), nn.Flatten(), nn.Linear(64, 50))
    trainer = trainer_of(*layers, nn.ReLU(), nn.Linear(50, 4), nn.ReLU6(), shape=(1, 8, 8), trainable=trainable)
    bound, before = trainer.plan.lower_bound_bytes, most_live_bytes(unpacked(trainer, trainable).buffers)
    assert bound < before if trainer.storage.mask else bound == before
