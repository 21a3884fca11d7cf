"""What the words for the common choices pick."""

import pytest
import torch
from torch import nn

import tinyprop
from tinyprop.errors import UserError
from tinyprop.ir.choices import CHOICES
from tinyprop.ir.graph import Program
from tinyprop.ir.passes import fuse
from tinyprop.ir.trainable import learning_parameters
from tinyprop.models import MODELS

# The modules behind which, and in which, the last block of each network of the field lies.
LAST_BLOCKS = {
    "lenet5": ["classifier.3", "classifier.5"],
    "ds_cnn": ["features.21", "features.24", "classifier"],
    "resnet8": ["blocks.2.body.0", "blocks.2.body.3", "blocks.2.shortcut", "classifier"],
    "mobilenet_v1": ["features.75", "features.78", "classifier"],
    "mobilenet_v2": ["features.19.body.3", "features.19.body.6", "features.20", "classifier"],
    "autoencoder": ["layers.24", "layers.27"],
}


def program_of(model: nn.Module, *shape: int) -> Program:
    return fuse(tinyprop.capture(model, torch.zeros(1, *shape), name="net").program)


def modules(program: Program, word: str) -> list[str]:
    return list(dict.fromkeys(name.rpartition(".")[0] for name in CHOICES[word].parameters(program)))


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_networks_of_the_field(name: str) -> None:
    torch.manual_seed(0)
    program = program_of(MODELS[name].make().eval(), *MODELS[name].input_shape)
    assert modules(program, "last_block") == LAST_BLOCKS[name]
    assert modules(program, "last_layer") == LAST_BLOCKS[name][-1:]
    assert set(CHOICES["all"].parameters(program)) == set(program.parameters)
    biases = CHOICES["biases"].parameters(program)
    assert len(biases) == len(program.layers)
    assert all(program.parameters[name].ndim == 1 for name in biases)


@pytest.mark.parametrize("name", ["ds_cnn", "mobilenet_v2", "autoencoder"])
def test_batch_norms_that_train_belong_to_the_layers_they_scale(name: str) -> None:
    """The same blocks as folded; their shifts are biases."""
    model = MODELS[name].make().eval()
    network = tinyprop.capture(model, torch.zeros(1, *MODELS[name].input_shape), name="net", batch_norm="train")
    program = fuse(network.program)
    norms = {key for key, module in model.named_modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)}
    assert [m for m in modules(program, "last_block") if m not in norms] == LAST_BLOCKS[name]
    assert modules(program, "last_layer") == LAST_BLOCKS[name][-1:]
    assert set(modules(program, "batch_norms")) == norms
    assert set(CHOICES["all"].parameters(program)) == {key for key, _ in model.named_parameters()}
    assert set(CHOICES["biases"].parameters(program)) == {
        key for key, _ in model.named_parameters() if key.endswith("bias")
    }


class Ends(nn.Module):
    """An addition at the output with a single layer in its block, and one whose branches hold none."""

    def __init__(self, with_layer: bool) -> None:
        super().__init__()
        self.a, self.b, self.c = (nn.Linear(4, 4) for _ in range(3))
        self.with_layer = with_layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.b(self.a(x).relu()).relu()
        return x + self.c(x) if self.with_layer else self.c(x + x)


@pytest.mark.parametrize("with_layer", [True, False])
def test_a_last_block_has_at_least_two_layers(with_layer: bool) -> None:
    assert modules(program_of(Ends(with_layer), 4), "last_block") == ["b", "c"]


def test_a_network_of_one_layer_is_its_last_block() -> None:
    program = program_of(nn.Sequential(nn.Linear(3, 2)), 3)
    assert {word: len(choice.parameters(program)) for word, choice in CHOICES.items()} == {
        "last_layer": 2,
        "last_block": 2,
        "biases": 1,
        "batch_norms": 0,
        "all": 2,
    }


def test_a_last_layer_is_taken_with_its_batch_norm() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 2), nn.BatchNorm1d(2)).eval()
    program = fuse(tinyprop.capture(model, torch.zeros(1, 3), name="net", batch_norm="train").program)
    assert modules(program, "last_layer") == ["2", "3"]
    assert modules(program, "last_block") == ["0", "2", "3"]


class Taken(nn.Module):
    """Its modules bear the words of choices."""

    def __init__(self) -> None:
        super().__init__()
        self.biases, self.last_layer, self.head = (nn.Linear(2, 2, bias=False) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.last_layer(self.biases(x).relu()).relu())


def test_names_of_modules_come_first_and_words_may_be_joined() -> None:
    program = program_of(Taken(), 2)
    assert learning_parameters(program, "biases") == {"biases.weight"}
    assert learning_parameters(program, ["last_layer", "head.weight"]) == {"last_layer.weight", "head.weight"}
    mixed = learning_parameters(program_of(Ends(True), 4), ["biases", "last_layer"])
    assert mixed == {"a.bias", "b.bias", "c.bias", "c.weight"}


def test_a_choice_that_picks_nothing_is_a_sentence() -> None:
    network = tinyprop.capture(nn.Sequential(nn.Linear(3, 2, bias=False)), torch.zeros(1, 3), name="net")
    with pytest.raises(UserError, match="nothing of 'net' is to train: it has no biases"):
        network.train("full", trainable="biases")
    assert list(network.memory_by_choice("full")) == ["last_layer", "last_block", "all"]
