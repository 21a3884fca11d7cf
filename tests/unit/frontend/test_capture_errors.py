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
        "  - 3 (Conv2d): padding='same' of the even kernel (2, 2) is uneven; use an odd kernel",
        "  - 4.0 (LayerNorm): layer_norm is not supported; leave it out, or use nn.BatchNorm2d right behind a "
        "convolution, which is folded into it",
        "  - 4.1 (MaxPool2d): ceil_mode=True is not supported; use ceil_mode=False, and padding if the border matters",
        "  - 7 (Softmax): softmax is not supported; remove it, the loss contains it",
    ]


def two_heads(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Both b and c read what a computed."""
    shared = model.a(x)
    return model.b(shared) + model.c(shared)


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
            Forward(two_heads, a=nn.Linear(4, 4), b=nn.BatchNorm1d(4), c=nn.Linear(4, 4)),
            (1, 4),
            "b (BatchNorm1d): batch norm is supported only right behind a Conv2d or Linear",
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
            nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 2)),
            (1, 4),
            "0 (BatchNorm1d): batch norm is supported only right behind a Conv2d or Linear; move it there or remove it",
        ),
        (
            nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular"), nn.Flatten(), nn.Linear(32, 2)),
            (1, 1, 4, 4),
            "0 (Conv2d): pad is not supported; use padding= of nn.Conv2d with padding_mode='zeros' instead",
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


def test_forward_that_depends_on_data() -> None:
    model = Forward(lambda m, x: m.a(x) if x.sum() > 0 else m.a(-x), a=nn.Linear(4, 4))
    text = refusal(model, torch.zeros(1, 4))
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
