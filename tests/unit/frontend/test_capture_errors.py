"""Every refusal of capture says what was given, why not, and what to do; all of them at once."""

import numpy as np
import pytest
import torch
from torch import nn

from tinyprop.errors import UserError
from tinyprop.frontend import capture


class Forward(nn.Module):
    """A model around a forward function; layers become its submodules."""

    def __init__(self, function, **layers: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(self, x)


PADS_WHAT_OTHERS_READ = (
    "a pad is supported directly in front of convolutions only, which then pad by themselves; move it there"
)


def refusal(model: nn.Module, example: object, **options: str) -> str:
    with pytest.raises(UserError) as caught:
        capture(model, example, **options)
    return str(caught.value)


def image() -> torch.Tensor:
    return torch.zeros(1, 2, 8, 8)


def test_all_problems_are_listed_at_once() -> None:
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3, groups=2, dilation=2),
        nn.GELU(),
        nn.AvgPool2d(2, ceil_mode=True, divisor_override=3),
        nn.ZeroPad2d((1, -1, 0, 0)),
        nn.Conv2d(4, 4, 2, padding="same"),
        nn.Sequential(nn.LayerNorm([4, 2, 2]), nn.MaxPool2d(2, ceil_mode=True)),
        nn.Flatten(),
        nn.Linear(4, 3),
        nn.Softmax(dim=1),
    )
    assert refusal(model, image()).splitlines() == [
        "Sequential cannot be captured:",
        "  - 1 (GELU): gelu is not supported; use nn.Hardswish instead",
        "  - 2 (AvgPool2d): ceil_mode=True is not supported; use ceil_mode=False, and padding if the border matters",
        "  - 2 (AvgPool2d): divisor_override is not supported; leave it out",
        "  - 3 (ZeroPad2d): it pads by [1, -1, 0, 0], which cuts off what is below 0; use amounts of 0 and more",
        "  - 5.0 (LayerNorm): layer_norm is not supported; leave it out, or use nn.BatchNorm1d or nn.BatchNorm2d "
        "instead",
        "  - 5.1 (MaxPool2d): ceil_mode=True is not supported; use ceil_mode=False, and padding if the border matters",
        "  - 8 (Softmax): softmax is not supported; remove it, the loss contains it",
    ]


def batch_norm(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """With a weight and no bias, which no module has."""
    return nn.functional.batch_norm(x, model.mean, model.variance, model.weight)


class Statistics(nn.Module):
    """`function` of buffers that a batch norm could use, then one dense layer."""

    def __init__(self, function) -> None:
        super().__init__()
        self.function, self.weight, self.head = function, nn.Parameter(torch.ones(4)), nn.Linear(4, 2)
        self.register_buffer("mean", torch.zeros(4))
        self.register_buffer("variance", torch.ones(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.function(self, x))


def without_variance() -> nn.Module:
    norm = nn.BatchNorm1d(4, eps=0)
    nn.init.zeros_(norm.running_var)
    return nn.Sequential(norm, nn.Linear(4, 2))


@pytest.mark.parametrize(
    ("model", "shape", "expected"),
    [
        (
            Forward(lambda m, x: m.a(x) + 1, a=nn.Linear(4, 4)),
            (1, 4),
            "forward (Forward): adding a number or a parameter is not supported; use nn.Linear with bias=True",
        ),
        (
            Forward(lambda m, x: m.a(x) + m.b(x), a=nn.Linear(4, 4), b=nn.Linear(4, 1)),
            (1, 4),
            "forward (Forward): an addition was given shapes ((4,), (1,)); both must be the same, without broadcasting",
        ),
        (
            Forward(lambda m, x: m.b(m.a(m.a(x))), a=nn.BatchNorm1d(4), b=nn.Linear(4, 4)),
            (1, 4),
            "a (BatchNorm1d): it uses 'a.weight' a second time; give each layer a parameter of its own",
        ),
        (
            nn.Sequential(nn.BatchNorm1d(4, track_running_stats=False), nn.Flatten(), nn.Linear(16, 2)),
            (1, 4, 4),
            "0 (BatchNorm1d): batch norm without running statistics is not supported; set track_running_stats=True",
        ),
        (
            Forward(
                lambda m, x: m.a(
                    nn.functional.batch_norm(x, m.n.running_mean, m.n.running_var, training=True).flatten(1)
                ),
                a=nn.Linear(36, 2),
                n=nn.BatchNorm2d(4),
            ),
            (1, 4, 3, 3),
            "batch norm in training mode is not supported, one sample is no batch to take statistics of; export after",
        ),
        (
            Statistics(batch_norm),
            (1, 4),
            "batch norm with only one of weight and bias is not supported; give it both or neither",
        ),
        (
            Statistics(lambda m, x: nn.functional.batch_norm(x, m.mean * 2, m.variance)),
            (1, 4),
            "its statistics are computed in forward; use the plain nn.BatchNorm module",
        ),
        (
            without_variance(),
            (1, 4),
            "0 (BatchNorm1d): batch norm of a variance of 0 with eps=0 is not supported; use an eps above 0",
        ),
        (
            Forward(lambda m, x: m.b(m.a(x) * 0 + 1).matmul(m.a(x).t()), a=nn.Linear(4, 4), b=nn.Linear(4, 4)),
            (1, 4),
            "mul is not supported; write forward with layers",
        ),
        (
            Forward(lambda m, x: m.a(m.a(x)), a=nn.Linear(4, 4)),
            (1, 4),
            "a (Linear): it uses 'a.weight' a second time; give each layer a parameter of its own",
        ),
        (
            Forward(lambda m, x: nn.functional.linear(x, m.a.weight * 2), a=nn.Linear(4, 4)),
            (1, 4),
            "its weight or bias is computed in forward; use a plain nn.Parameter of the layer",
        ),
        (
            Forward(lambda m, x: x @ m.a.weight, a=nn.Linear(4, 4)),
            (1, 4),
            "a product with anything but the transpose of a parameter is not supported; use nn.Linear",
        ),
        (
            Forward(lambda m, x: m.a(nn.functional.dropout(x, training=True)), a=nn.Linear(4, 4)),
            (1, 4),
            "dropout is active in eval mode; use nn.Dropout, or pass training=self.training",
        ),
        (
            Forward(lambda m, x: m.a(x.view(2, 2)).view(1, 4), a=nn.Linear(2, 2)),
            (1, 4),
            "view from (1, 4) to (2, 2) is not supported; keep the batch of 1 as the first dimension, as x.flatten(1)",
        ),
        (
            Forward(lambda m, x: m.a(nn.functional.adaptive_avg_pool2d(x, 3).flatten(1)), a=nn.Linear(18, 2)),
            (1, 2, 8, 8),
            "an adaptive average pool from (8, 8) to (3, 3) has windows of unequal size; choose an output size that",
        ),
        (
            Forward(lambda m, x: m.a(x.mean([1, 2])), a=nn.Linear(8, 2)),
            (1, 2, 8, 8),
            "a mean over dimensions [1, 2] of (1, 2, 8, 8) is not supported; average a feature map (1, C, H, W) over",
        ),
        (
            Forward(lambda m, x: m.a(torch.cat([x, x], 2).flatten(1)), a=nn.Linear(16, 2)),
            (1, 2, 4),
            "cat along dimension 2 is not supported; use dimension 1, that of the channels",
        ),
        (
            Forward(lambda m, x: m.b(torch.cat([x, m.a.weight], 1)), a=nn.Linear(3, 1), b=nn.Linear(7, 2)),
            (1, 4),
            "its input does not come from the sample; let every tensor in forward come from x",
        ),
        (
            nn.Sequential(nn.LeakyReLU(-0.5), nn.Linear(4, 2)),
            (1, 4),
            "0 (LeakyReLU): a leaky ReLU with negative_slope=-0.5 is not supported; use 0 or more",
        ),
        (
            Forward(lambda m, x: m.a(x.clamp(max=1)), a=nn.Linear(4, 2)),
            (1, 4),
            "a clamp without two numbers as bounds is not supported; use nn.ReLU or nn.Hardtanh",
        ),
        (
            Forward(lambda m, x: m.a(x.clamp(1, 0)), a=nn.Linear(4, 2)),
            (1, 4),
            "a clamp between 1.0 and 0.0 is empty or unbounded; give low < high",
        ),
        (
            Forward(lambda m, x: m.a(x).flatten(1), a=nn.Linear(4, 3)),
            (1, 2, 4),
            "a (Linear): a linear layer over one axis of (1, 2, 4) is not supported; put nn.Flatten before it",
        ),
        (
            nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular"), nn.Flatten(), nn.Linear(32, 2)),
            (1, 1, 4, 4),
            "0 (Conv2d): padding mode 'circular' is not supported; pad with zeros",
        ),
        (
            nn.Sequential(nn.MaxPool2d(16), nn.Flatten(), nn.Linear(1, 2)),
            (1, 1, 16, 16),
            "0 (MaxPool2d): a max pool with window (16, 16) has more than 255 elements; use two smaller pools",
        ),
        (nn.Sequential(nn.Flatten()), (1, 4), "the model has no layer; use at least one nn.Linear"),
        (nn.Sequential(nn.Linear(4, 2), nn.Linear(2, 2).bfloat16()), (1, 4), "does not run on"),
    ],
)
def test_single_problem(model, shape, expected) -> None:
    assert expected in refusal(model, torch.zeros(shape))


@pytest.mark.parametrize(
    ("function", "shape", "sentence"),
    [
        (nn.ZeroPad2d((0, 1, 0, 1)), (1, 2, 4, 4), PADS_WHAT_OTHERS_READ),
        (nn.Sequential(nn.ZeroPad2d(1), nn.MaxPool2d(2)), (1, 2, 4, 4), PADS_WHAT_OTHERS_READ),
        (lambda x: nn.functional.pad(x, (0, 1)), (1, 4), PADS_WHAT_OTHERS_READ),
        (
            nn.Sequential(nn.ConstantPad3d((0, 0, 0, 0, 0, 1), 0.0), nn.Conv2d(3, 2, 3)),
            (1, 2, 4, 4),
            "it pads by [0, 0, 0, 0, 0, 1], channels or batch among them; pad the axes behind the channels only",
        ),
        (
            nn.Sequential(nn.ConstantPad1d(1, 0.5), nn.Conv1d(2, 2, 3)),
            (1, 2, 8),
            "f.0 (ConstantPad1d): it pads with 0.5; a convolution can only be padded with zeros, so use 0",
        ),
        (
            nn.Sequential(nn.ReplicationPad1d(1), nn.Conv1d(2, 2, 3)),
            (1, 2, 8),
            "f.0 (ReplicationPad1d): padding mode 'replicate' is not supported; pad with zeros",
        ),
        (nn.AdaptiveMaxPool2d(1), (1, 2, 4, 4), "adaptive_max_pool2d is not supported; use nn.MaxPool2d with a window"),
        (lambda x: torch.cat(x.chunk(2, 1)[::-1], 1), (1, 4), "chunk is not supported; write forward with layers, add"),
        (
            lambda x: x.mean()[None, None],
            (1, 2, 4),
            "a mean over dimensions None of (1, 2, 4) is not supported; averag",
        ),
        (lambda x: x[:, :, 0, 0], (1, 2, 1, 1), "select is not supported; use flatten(1) on a feature map of one"),
        (lambda x: x / 255, (1, 4), "div is not supported; write forward with layers, additions and torch.cat"),
        (lambda x: x.relu().detach(), (1, 4), "detach is not supported; leave it out, and name what trains with"),
        (lambda x: x.double().float(), (1, 4), "a cast to float64 is not supported; keep forward in float32"),
        (nn.AvgPool1d(3, ceil_mode=True), (1, 2, 8), "ceil_mode=True is not supported; use ceil_mode=False, and padd"),
        (nn.MaxPool1d(2, dilation=2), (1, 2, 8), "dilation=(1, 2) is not supported; use dilation=1"),
        (lambda x: x.transpose(1, 2), (1, 2, 8), "transpose of a feature map is not supported; keep the order"),
    ],
)
def test_one_cause_gives_one_sentence(function, shape, sentence) -> None:
    """What depends on something that was refused is not refused again."""
    width = function(torch.zeros(shape)).numel()
    model = Forward(lambda m, x: m.a(m.f(x).flatten(1)), a=nn.Linear(width, 2))
    model.f = function
    first, *problems = refusal(model, torch.zeros(shape)).splitlines()
    assert first == "Forward cannot be captured:"
    assert sentence in " ".join(problems)
    assert len([line for line in problems if "getitem" in line or "does not come from the sample" in line]) == 0
    assert len(problems) <= 2


def test_batch_norm_is_folded_or_trained() -> None:
    text = refusal(nn.Sequential(nn.Linear(4, 2)), torch.zeros(1, 4), batch_norm="trains")
    assert text == "unknown batch_norm 'trains': did you mean 'train'? known are fold, train."


def test_parameters_must_be_finite_float32_and_not_shared() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4))
    model[1].weight = model[0].weight
    with torch.no_grad():
        model[2].bias[1] = torch.inf
    text = refusal(model, torch.zeros(1, 4))
    assert "0.weight and 1.weight: one tensor is shared; give each layer a parameter of its own" in text
    assert "2.bias: contains NaN or infinity; train or load finite weights first" in text


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_parameters_of_another_dtype(dtype) -> None:
    text = refusal(nn.Sequential(nn.Linear(4, 2)).to(dtype), torch.zeros(1, 4))
    name = str(dtype).removeprefix("torch.")
    assert f"0.weight: parameters of type {name} are not supported; call model.float()" in text


@pytest.mark.parametrize(
    ("example", "expected"),
    [
        (torch.zeros(5, 4), "example_input has shape (5, 4), which is not a batch of one sample: pass (1, …), such as"),
        (np.zeros(4), "example_input has shape (4,), which is not a batch of one sample"),
        (np.zeros((1, 4), int), "example_input is int64: pass float32, scaled as the model was trained on."),
        ("digits", "example_input is a str: pass one sample as a tensor or array, such as x[:1]."),
        (np.zeros((1, 5)), "Sequential does not run on example_input of shape (1, 5) (mat1 and mat2 shapes cannot"),
    ],
)
def test_wrong_example(example, expected) -> None:
    assert expected in refusal(nn.Sequential(nn.Linear(4, 2)), example)


def test_image_without_batch() -> None:
    model = Forward(lambda m, x: m.b(m.a(x).view(1, -1)), a=nn.Conv2d(1, 1, 3), b=nn.Linear(9, 2))
    assert "pass example_input of shape (1, C, H, W), such as x[None]" in refusal(model, torch.zeros(1, 5, 5))


def test_output_must_be_one_score_per_class() -> None:
    assert "Sequential returns shape (1, 3, 6, 6): let forward return one tensor of class scores" in refusal(
        nn.Sequential(nn.Conv2d(2, 3, 3)), image()
    )
    pair = Forward(lambda m, x: (m.a(x), x), a=nn.Linear(4, 4))
    assert "Forward returns tuple: let forward return one tensor" in refusal(pair, torch.zeros(1, 4))


def test_forward_that_depends_on_data(capfd) -> None:
    model = Forward(lambda m, x: m.a(x) if x.sum() > 0 else m.a(-x), a=nn.Linear(4, 4))
    text = refusal(model, torch.zeros(1, 4))
    assert tuple(capfd.readouterr()) == ("", "")  # torch prints the graph it gave up
    assert text.startswith("torch.export cannot capture Forward (")
    assert text.endswith("write forward without branches or loops that depend on the data.")
    assert "\n" not in text


@pytest.mark.parametrize("name", ["two words", "1st", "for", "größe", ""])
def test_a_given_name_must_be_a_c_identifier(name) -> None:
    text = refusal(nn.Sequential(nn.Linear(4, 2)), torch.zeros(1, 4), name=name)
    assert text == f"the name '{name}' is not a C identifier: use letters, digits and '_', and no keyword."


@pytest.mark.parametrize(
    ("class_name", "expected"), [("MyNet2", "my_net2"), ("HTTPNet", "http_net"), ("Float", "net_float"), ("CNN", "cnn")]
)
def test_name_from_the_class(class_name, expected) -> None:
    model = type(class_name, (nn.Sequential,), {})(nn.Linear(4, 2))
    assert capture(model, torch.zeros(1, 4)).name == expected
