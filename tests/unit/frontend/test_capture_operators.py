"""Every way to write an operator leads to the same few, and the program computes what the model does."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tinyprop.frontend import capture
from tinyprop.ir.oracle import run_forward

FEATURES, SIGNAL, VECTOR = (4, 6, 8), (3, 10), (12,)


class Body(nn.Module):
    """`function` of the sample, then one dense layer."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor], shape: tuple[int, ...]) -> None:
        super().__init__()
        self.function = function
        self.head = nn.Linear(function(torch.zeros(1, *shape)).numel(), 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.function(x).flatten(1))


def overwritten(x: torch.Tensor) -> torch.Tensor:
    """`a` is read again after it was changed in place."""
    a = x.tanh()
    b = F.leaky_relu_(a, 0.5)
    return a + b.sigmoid()


class PaddedForTwo(nn.Module):
    """Two convolutions read one padded map, and an addition the map itself."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(4, 4, 2), nn.Conv2d(4, 4, (4, 2), padding=(1, 0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.relu()
        padded = F.pad(x, (0, 1, 1, 0))
        return self.first(padded) + self.second(padded) + x


def twice_in_a_row(x: torch.Tensor) -> torch.Tensor:
    return F.max_pool1d(F.max_pool1d(x, 2), 2)


@pytest.mark.parametrize(
    ("function", "shape", "kinds"),
    [
        (nn.ReLU6(), FEATURES, "clamp"),
        (F.relu6, FEATURES, "clamp"),
        (nn.Hardtanh(-2, 1, inplace=True), VECTOR, "clamp"),
        (lambda x: x.clamp(-1, 0.5), VECTOR, "clamp"),
        (lambda x: x.clamp(min=0), VECTOR, "relu"),
        (nn.LeakyReLU(0.2, inplace=True), VECTOR, "leaky_relu"),
        (nn.Hardswish(), FEATURES, "hard_swish"),
        (nn.Hardsigmoid(), FEATURES, "hard_sigmoid"),
        (lambda x: torch.sigmoid(x).tanh_(), VECTOR, "sigmoid tanh"),
        (overwritten, VECTOR, "tanh leaky_relu sigmoid add"),
        (nn.AvgPool2d(3, 2, 1, count_include_pad=False), FEATURES, "avg_pool2d"),
        (nn.AvgPool2d((2, 4)), FEATURES, "avg_pool2d"),
        (nn.AdaptiveAvgPool2d(1), FEATURES, "avg_pool2d"),
        (lambda x: F.adaptive_avg_pool2d(x, (1, 1)).squeeze(-1).squeeze(-1), FEATURES, "avg_pool2d reshape reshape"),
        (nn.AdaptiveAvgPool2d((None, 2)), FEATURES, "avg_pool2d"),
        (lambda x: x.mean([2, 3]), FEATURES, "avg_pool2d reshape"),
        (lambda x: x.mean((-1, -2), keepdim=True), FEATURES, "avg_pool2d"),
        (lambda x: x.mean(3), FEATURES, "avg_pool2d reshape"),
        (lambda x: x.mean(2), SIGNAL, "reshape avg_pool2d reshape"),
        (nn.AvgPool1d(3, 2, 1), SIGNAL, "reshape avg_pool2d reshape"),
        (nn.AdaptiveAvgPool1d(5), SIGNAL, "reshape avg_pool2d reshape"),
        (nn.MaxPool1d(3, 2, padding=1), SIGNAL, "reshape max_pool2d reshape"),
        (twice_in_a_row, SIGNAL, "reshape max_pool2d reshape reshape max_pool2d reshape"),
        (lambda x: torch.cat([x, x.relu(), x], 1), FEATURES, "relu concat"),
        (lambda x: torch.concat([x, x], -1), VECTOR, "concat"),
        (lambda x: torch.cat([x], 1), VECTOR, ""),
        (nn.Unflatten(1, (3, 4)), VECTOR, "reshape"),
        (lambda x: x.view(1, 2, 2, 3), VECTOR, "reshape"),
        (lambda x: x.unsqueeze(1), SIGNAL, "reshape"),
        (lambda x: x.unsqueeze(1).squeeze(1), SIGNAL, "reshape reshape"),
        (lambda x: x.squeeze(1), SIGNAL, ""),
        (lambda x: x.view(x.size(0), -1), FEATURES, "reshape"),
        (lambda x: x.reshape(-1, 192), FEATURES, "reshape"),
        (lambda x: torch.flatten(x, 2).mean(2), FEATURES, "reshape avg_pool2d reshape"),
        (lambda x: torch.mean(x, dim=(-2, -1)), FEATURES, "avg_pool2d reshape"),
        (nn.Sequential(nn.Identity(), nn.Dropout2d(), nn.Dropout(0.5)).eval(), FEATURES, ""),
        (lambda x: x.float().relu().to(torch.float32).type_as(x).contiguous(), FEATURES, "relu"),
        (nn.Conv1d(3, 6, 3, 2, 2, 2, 3), SIGNAL, "reshape conv2d reshape"),
        (nn.Conv1d(3, 2, 5, padding="same", bias=False), SIGNAL, "reshape conv2d reshape"),
        (nn.Conv2d(4, 2, 3, padding="same", dilation=2), FEATURES, "conv2d"),
        (nn.Conv2d(4, 2, (4, 2), padding="same", dilation=(1, 3)), FEATURES, "conv2d"),
        (nn.Conv1d(3, 2, 4, padding="same"), SIGNAL, "reshape conv2d reshape"),
        (nn.Sequential(nn.ZeroPad2d((1, 2, 0, 1)), nn.Conv2d(4, 2, 3, padding=1)), FEATURES, "conv2d"),
        (
            nn.Sequential(nn.ConstantPad1d((4, 0), 0.0), nn.Conv1d(3, 6, 3, dilation=2)),
            SIGNAL,
            "reshape conv2d reshape",
        ),
        (PaddedForTwo(), FEATURES, "relu conv2d conv2d add add"),
    ],
)
def test_program_computes_what_the_model_does(function, shape, kinds) -> None:
    torch.manual_seed(0)
    model = Body(function, shape).eval()
    x = 3 * torch.randn(2, *shape)
    expected = [model(sample[None].clone())[0].detach().numpy() for sample in x]
    program = capture(model, x[:1])
    assert [node.op.kind for node in program.nodes if node.name not in ("flatten", "head")] == kinds.split()
    for sample, y in zip(x, expected, strict=True):
        got = run_forward(program, sample.numpy())[program.output.name].y
        np.testing.assert_allclose(got, y, rtol=1e-5, atol=1e-5)


def test_printed_form_of_a_signal() -> None:
    assert str(capture(Body(twice_in_a_row, SIGNAL), torch.zeros(1, *SIGNAL))).splitlines()[:5] == [
        "program body(x: f32[3, 10])",
        "  max_pool1d_step: f32[3, 1, 10] = Reshape(shape=(3, 1, 10))(x)",
        "  max_pool1d_step_1: f32[3, 1, 5] = MaxPool2d(kernel=(1, 2), stride=(1, 2), padding=(0, 0))(max_pool1d_step)",
        "  max_pool1d: f32[3, 5] = Reshape(shape=(3, 5))(max_pool1d_step_1)",
        "  max_pool1d_1_step: f32[3, 1, 5] = Reshape(shape=(3, 1, 5))(max_pool1d)",
    ]
