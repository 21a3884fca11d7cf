"""What capture builds, and that the model stays as it was."""

import numpy as np
import pytest
import torch
from torch import nn

import tinyprop
from tinyprop.frontend import capture
from tinyprop.ir.oracle import run_forward
from tinyprop.ir.passes import fuse


class DigitsCNN(nn.Module):
    """Modules, functionals, a reshape and dropout mixed, as people write them."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3, padding="same"), nn.BatchNorm2d(4), nn.ReLU())
        self.drop = nn.Dropout()
        self.fc = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.max_pool2d(self.features(x), 2)
        return self.fc(self.drop(x.view(x.size(0), -1)))


class Products(nn.Module):
    """Dense layers written as matrix products."""

    def __init__(self) -> None:
        super().__init__()
        self.w, self.b = nn.Parameter(torch.randn(5, 8)), nn.Parameter(torch.randn(5))
        self.v = nn.Parameter(torch.randn(3, 5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.addmm(self.b, x, self.w.t()).relu() @ self.v.T


def varied_batch_norm(model: nn.Module) -> nn.Module:
    """Batch norms with statistics and weights that are not the trivial ones."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            for tensor in (module.running_mean, module.weight, module.bias):
                if tensor is not None:
                    nn.init.normal_(tensor)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return model


@pytest.mark.parametrize(
    ("build", "shape"),
    [
        (DigitsCNN, (1, 8, 8)),
        (Products, (8,)),
        (lambda: nn.Sequential(nn.Linear(8, 6, bias=False), nn.BatchNorm1d(6), nn.ReLU(True), nn.Linear(6, 3)), (8,)),
        (lambda: nn.Sequential(nn.Conv2d(2, 3, (1, 3), (1, 2), "valid"), nn.Flatten(), nn.Linear(30, 2)), (2, 5, 5)),
    ],
)
def test_program_computes_what_the_model_does(build, shape) -> None:
    torch.manual_seed(0)
    model = varied_batch_norm(build()).eval()
    x = torch.randn(4, *shape)
    program = fuse(capture(model, x[:1]))
    for sample in x:
        y = run_forward(program, sample.numpy())[program.output.name].y
        np.testing.assert_allclose(y, model(sample[None])[0].detach().numpy(), rtol=1e-4, atol=1e-5)


class Normed(nn.Module):
    """Batch norms in every place: on the sample, behind a layer that others read, of a signal, of a vector."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.conv, self.norm = nn.BatchNorm1d(2), nn.Conv1d(2, 3, 3, bias=False), nn.BatchNorm1d(3)
        self.shared, self.beside = nn.Conv1d(3, 3, 1), nn.BatchNorm1d(3)
        self.plain, self.last = nn.BatchNorm1d(18, affine=False), nn.Linear(18, 4)
        self.out = nn.BatchNorm1d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.shared(self.norm(self.conv(self.first(x))).relu())
        return self.out(self.last(self.plain((x + self.beside(x)).flatten(1))))


@pytest.mark.parametrize(
    ("batch_norm", "layers", "trained"),
    [
        ("fold", ["first", "conv", "shared", "beside", "plain", "last"], ["conv", "shared", "last"]),
        (
            "train",
            ["first", "conv", "norm", "shared", "beside", "plain", "last", "out"],
            ["first", "conv", "norm", "shared", "beside", "last", "out"],
        ),
    ],
)
def test_a_batch_norm_is_folded_where_it_can_be_or_trains_when_asked(batch_norm, layers, trained) -> None:
    torch.manual_seed(0)
    model = varied_batch_norm(Normed()).eval()
    program = capture(model, torch.zeros(1, 2, 8), batch_norm=batch_norm)
    assert [node.name for node in program.layers] == layers
    assert [node.name for node in program.layers if node.trained] == trained
    assert {key for node in program.layers for key in node.trained} <= dict(model.named_parameters()).keys() | {
        "conv.bias"
    }
    for sample in torch.randn(4, 2, 8):
        y = run_forward(fuse(program), sample.numpy())[program.output.name].y
        np.testing.assert_allclose(y, model(sample[None])[0].detach().numpy(), rtol=1e-4, atol=1e-5)


def test_statistics_are_parameters_in_the_order_of_the_state_dict() -> None:
    model = varied_batch_norm(nn.Sequential(nn.Linear(5, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 2)))
    program = capture(model, torch.zeros(1, 5), batch_norm="train")
    state = {key: value for key, value in model.state_dict().items() if not key.endswith("num_batches_tracked")}
    assert list(program.parameters) == list(state)
    assert all((program.parameters[key] == value.numpy()).all() for key, value in state.items())
    assert fuse(program).layers[1].op.relu
    assert str(program).splitlines()[2] == (
        "  batch_norm: f32[3] = ScaleShift(channels=3, eps=1e-05, bias=True, trains=True, relu=False)"
        "(linear, 1.weight, 1.bias, 1.running_mean, 1.running_var)"
    )


def test_printed_form() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 2, bias=False))
    assert str(capture(model, torch.zeros(1, 2, 3))).splitlines() == [
        "program sequential(input: f32[2, 3])",
        "  flatten: f32[6] = Reshape(shape=(6,))(input)",
        "  linear: f32[4] = Dense(inputs=6, outputs=4, bias=True, relu=False)(flatten, 1.weight, 1.bias)",
        "  relu: f32[4] = ReLU()(linear)",
        "  linear_1: f32[2] = Dense(inputs=4, outputs=2, bias=False, relu=False)(relu, 3.weight)",
        "  return linear_1",
    ]


def test_names_come_from_the_state_dict_and_the_class() -> None:
    program = capture(DigitsCNN(), np.zeros((1, 1, 8, 8)))
    assert program.name == "digits_cnn"
    assert list(program.parameters) == ["features.0.weight", "features.0.bias", "fc.weight", "fc.bias"]
    assert [node.name for node in program.layers] == ["features_0", "fc"]
    assert capture(DigitsCNN(), np.zeros((1, 1, 8, 8)), name="net7").name == "net7"


def test_the_model_is_not_changed() -> None:
    model = DigitsCNN()
    model.features.eval()
    model.fc.weight.requires_grad_(False)
    model.fc.bias.grad = torch.ones(10)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    with pytest.warns(UserWarning, match=r"^fc\.weight: requires_grad is off"):
        program = capture(model, torch.randn(1, 1, 8, 8))
    assert [module.training for module in model.modules()] == modes
    assert not model.fc.weight.requires_grad
    assert model.fc.bias.requires_grad
    assert torch.equal(model.fc.bias.grad, torch.ones(10))
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key])
    weight = program.parameters["fc.weight"]
    model.fc.weight.zero_()
    assert weight.any()
    assert not weight.flags.writeable


def test_the_example_is_not_changed() -> None:
    example = -torch.ones(1, 4)
    capture(nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 2)), example)
    assert torch.equal(example, -torch.ones(1, 4))


def test_example_values_do_not_matter() -> None:
    model = DigitsCNN()
    assert str(capture(model, torch.full((1, 1, 8, 8), torch.nan))) == str(capture(model, np.zeros((1, 1, 8, 8))))


def test_parameters_that_pytorch_leaves_alone_are_named(recwarn):
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    model.requires_grad_(False)
    tinyprop.capture(model, torch.zeros(1, 3))
    assert not recwarn.list
    model[2].requires_grad_(True)
    with pytest.warns(UserWarning, match=r"^0\.weight, 0\.bias: requires_grad is off.*trainable='last_layer'") as found:
        tinyprop.capture(model, torch.zeros(1, 3))
    assert found[0].filename == __file__
