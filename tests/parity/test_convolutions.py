"""Convolutions of every geometry: the engine against the oracle bit for bit, and which kernels serve which."""

import shutil
from dataclasses import fields

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from torch import nn

import tinyprop
from battery.differentiation import SUMS
from battery.drawn import convolutions
from battery.rules import EVERY_RULE, for_any_network
from tinyprop.codegen.layout import weight_hash
from tinyprop.errors import UserError
from tinyprop.ir.op import LONGEST_LIST
from tinyprop.ir.ops import Conv2d, Dense
from tinyprop.ir.ops.conv2d import ConvKernels
from tinyprop.ir.oracle import OracleTrainer
from tinyprop.methods import METHODS
from tinyprop.surface import Trainer

TOOLCHAIN = "gcc" if shutil.which("gcc") else "zig"
CLASSES, LR = 5, 0.05


@settings(max_examples=60, deadline=None, derandomize=True)
@given(case=convolutions())
def test_cost_counts_taps_one_by_one(case) -> None:
    op, shape = case.op, case.shapes[0]
    channels, rows, columns = op.output_shape(shape)
    inside = np.zeros((rows, columns), int)
    for oy, ox, ky, kx in np.ndindex(rows, columns, *op.kernel):
        y = oy * op.stride[0] - op.padding[0] + ky * op.dilation[0]
        x = ox * op.stride[1] - op.padding[1] + kx * op.dilation[1]
        inside[oy, ox] += 0 <= y < shape[1] and 0 <= x < shape[2]
    np.testing.assert_array_equal(op.taps_inside(shape), inside)
    on_paper = channels * rows * columns * op.in_channels // op.groups * op.kernel[0] * op.kernel[1]
    assert op.macs(shape).forward == op.macs(shape).input_error == op.macs(shape).weight_gradient == on_paper


def agree(trainer: Trainer, steps: int) -> None:
    """Engine and oracle take the same decisions, count the same and end with the same bits."""
    program = trainer.train_program.program
    rng = np.random.default_rng(5)
    x = np.maximum(rng.standard_normal((steps, *program.input.shape)), -0.5).astype(np.float32)
    x[rng.random(x.shape) < 0.3] = 0
    labels = rng.integers(0, program.output.size, steps)
    oracle = OracleTrainer(trainer.train_program)
    with trainer.build("host", toolchain=TOOLCHAIN) as engine:
        got, expected = engine.fit(x, labels, lr=LR), oracle.fit(x, labels, LR)
        assert engine.weight_hash() == weight_hash(oracle.parameters)
    for field in fields(expected):
        if getattr(expected, field.name) is not None:
            np.testing.assert_array_equal(getattr(got, field.name), getattr(expected, field.name), field.name)


def torch_module(op: Conv2d) -> nn.Module:
    (top, left), (bottom, right) = op.padding, op.trailing or op.padding
    pad = [] if op.trailing is None else [nn.ZeroPad2d((left, right, top, bottom))]
    settings_of = {"bias": op.bias, "dilation": op.dilation, "groups": op.groups}
    conv = nn.Conv2d(op.in_channels, op.out_channels, op.kernel, op.stride, 0 if pad else op.padding, **settings_of)
    return nn.Sequential(*pad, conv, *([nn.ReLU()] if op.relu else []))


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(case=convolutions(), method=st.sampled_from(sorted(METHODS)), kernels=st.sampled_from(["inline", "size"]))
def test_engine_is_the_oracle(case, method, kernels) -> None:
    """A layer below the drawn one has it send its error down."""
    op, shape = case.op, case.shapes[0]
    torch.manual_seed(0)
    below = nn.Sequential(nn.Conv2d(1, op.in_channels, 1), nn.ReLU())
    width = int(np.prod(op.output_shape(shape)))
    model = nn.Sequential(below, torch_module(op), nn.Flatten(), nn.Linear(width, CLASSES))
    network = tinyprop.capture(model, np.zeros((1, 1, *shape[1:]), np.float32), name="drawn")
    note(str(network.program))
    agree(network.train(for_any_network(method), kernels=kernels), steps=3)


def block(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    depthwise = nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs)
    return [depthwise, nn.ReLU(), nn.Conv2d(inputs, outputs, 1), nn.ReLU()]


def classified(shape: tuple[int, ...], *layers: nn.Module) -> tuple[nn.Module, tuple[int, ...]]:
    features = nn.Sequential(*layers, nn.Flatten())
    width = features(torch.zeros(1, *shape)).numel()
    return nn.Sequential(features, nn.Linear(width, CLASSES)), shape


def separable() -> tuple[nn.Module, tuple[int, ...]]:
    """Depthwise-separable blocks behind a large first kernel, as networks for key words have them."""
    stem = nn.Conv2d(1, 6, (10, 4), 2, (5, 1))
    return classified((1, 20, 9), stem, nn.ReLU(), *block(6, 19, 1), *block(19, 5, 2))


def plain() -> tuple[nn.Module, tuple[int, ...]]:
    """Three by three without pools, as in a ResNet."""
    convs = [nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(3, 4, 3, 2, 1, bias=False), nn.Conv2d(4, 5, 3, padding=1)]
    return classified((2, 9, 12), *(part for conv in convs for part in (conv, nn.ReLU())))


def grouped() -> tuple[nn.Module, tuple[int, ...]]:
    """Groups, dilation, a channel multiplier, and a pool behind a grouped convolution."""
    first = [nn.Conv2d(2, 6, 3, padding=2, dilation=2, groups=2), nn.ReLU()]
    second = [nn.Conv2d(6, 12, (2, 3), dilation=(3, 1), groups=6, bias=False), nn.ReLU()]
    return classified((2, 10, 9), *first, *second, nn.Conv2d(12, 4, 3, padding=1, groups=4), nn.MaxPool2d(2), nn.ReLU())


def one_dimensional() -> tuple[nn.Module, tuple[int, ...]]:
    """Signals: stride, 'same' padding of a dilated depthwise kernel, one tap."""
    first = [nn.Conv1d(3, 6, 5, 2, padding=2), nn.ReLU()]
    second = [nn.Conv1d(6, 6, 3, padding="same", dilation=2, groups=6), nn.ReLU(), nn.Conv1d(6, 9, 1), nn.ReLU()]
    return classified((3, 23), *first, *second)


def pooled_signal() -> tuple[nn.Module, tuple[int, ...]]:
    """Signals whose convolutions swallow the ReLU and the pool behind them; the last pool leaves a place over."""
    first = [nn.Conv1d(3, 6, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(6, 9, 3), nn.MaxPool1d(4), nn.ReLU()]
    return classified((3, 53), *first, nn.Conv1d(9, 4, 2), nn.MaxPool1d(2))


def wide_kernels() -> tuple[nn.Module, tuple[int, ...]]:
    """Five by five as in LeNet: four places that lie inside the image, or all but the last; with a pool behind, too."""
    first = [nn.Conv2d(2, 6, 5, padding=2), nn.ReLU(), nn.Conv2d(6, 9, (4, 5), padding=(1, 2)), nn.ReLU()]
    return classified((2, 9, 7), *first, nn.Conv2d(9, 5, (3, 2), padding=(1, 1)), nn.MaxPool2d(2), nn.ReLU())


def unevenly_padded() -> tuple[nn.Module, tuple[int, ...]]:
    """A pad in front of a stride as TensorFlow has it, even kernels that keep the size, with and without a pool."""
    first = [nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(2, 6, 3, 2), nn.ReLU()]
    second = [
        nn.Conv2d(6, 6, (2, 4), padding="same", groups=6),
        nn.ReLU(),
        nn.Conv2d(6, 4, 2, padding="same"),
        nn.ReLU(),
    ]
    return classified((2, 12, 18), *first, *second, nn.Conv2d(4, 5, 4, padding="same"), nn.MaxPool2d(2), nn.ReLU())


def causal() -> tuple[nn.Module, tuple[int, ...]]:
    """A signal whose convolutions look back only, the wider the deeper."""
    first = [nn.ConstantPad1d((3, 0), 0.0), nn.Conv1d(3, 6, 4), nn.ReLU()]
    second = [nn.ConstantPad1d((9, 0), 0.0), nn.Conv1d(6, 6, 4, dilation=3, groups=6), nn.ReLU(), nn.Conv1d(6, 4, 1)]
    return classified((3, 21), *first, *second, nn.ReLU())


BUILDERS = (separable, plain, grouped, one_dimensional, pooled_signal, wide_kernels, unevenly_padded, causal)
NETWORKS = {build.__name__: build for build in BUILDERS}


CASES = [(name, method) for name in NETWORKS for method in ("full", "tinyprop_v2")]
CASES += [("separable", method) for method in EVERY_RULE if ("separable", method) not in CASES]


@pytest.mark.parametrize(("name", "method"), CASES)
def test_networks_train_the_same_bits(name, method) -> None:
    torch.manual_seed(0)
    model, shape = NETWORKS[name]()
    network = tinyprop.capture(model, np.zeros((1, *shape), np.float32), name=name)
    agree(network.train(method), steps=8)


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("alive", [4, 5, 6])
def test_lists_and_blocks_meet_where_the_oracle_says(kernel, alive) -> None:
    """`alive` of nine channels leave their ReLU: five ninths and two thirds are where lists stop to pay."""
    torch.manual_seed(0)
    conv = nn.Conv2d(2, 9, kernel, padding=kernel // 2)
    with torch.no_grad():
        conv.bias.copy_(torch.where(torch.arange(9) < alive, 9.0, -9.0))
    model, shape = classified((2, 7, 6), nn.Conv2d(2, 2, 1), conv, nn.ReLU())
    network = tinyprop.capture(model, np.zeros((1, *shape), np.float32), name="channels")
    agree(network.train("full_zero_skip"), steps=2)


@pytest.mark.parametrize("name", NETWORKS)
def test_captured_networks_answer_as_pytorch_does(name) -> None:
    torch.manual_seed(0)
    model, shape = NETWORKS[name]()
    x = np.random.default_rng(2).standard_normal((3, *shape)).astype(np.float32)
    network = tinyprop.capture(model, x[:1], name=name)
    with network.train("full").build("host", toolchain=TOOLCHAIN) as engine:
        np.testing.assert_allclose(engine.logits(x), model(torch.from_numpy(x)).detach().numpy(), **SUMS[np.float32])
        engine.set_weights(model.state_dict())
        shapes = {key: tuple(value.shape) for key, value in model.state_dict().items()}
        assert {key: value.shape for key, value in engine.weights().items()} == shapes


@pytest.mark.parametrize(
    ("op", "size", "kernels"),
    [
        (Conv2d(4, 8, (1, 1)), (5, 5), ConvKernels.POINTWISE),
        (Conv2d(4, 8, (1, 1)), (256, 256), ConvKernels.GENERAL),  # 65,536 positions: one more than a list can name
        (Conv2d(4, 8, (1, 1), (2, 2)), (5, 5), ConvKernels.GENERAL),
        (Conv2d(4, 8, (1, 1), dilation=(2, 2)), (5, 5), ConvKernels.POINTWISE),
        (Conv2d(4, 8, (1, 1), trailing=(0, 1)), (5, 5), ConvKernels.GENERAL),
        (Conv2d(4, 8, (3, 3), padding=(1, 1), trailing=(1, 0)), (5, 5), ConvKernels.GENERAL),
        (Conv2d(4, 8, (3, 3), padding=(1, 1), trailing=(1, 1)), (5, 5), ConvKernels.THREE_BY_THREE),
        (Conv2d(4, 4, (3, 3), padding=(1, 1), trailing=(1, 2), groups=4), (5, 5), ConvKernels.DEPTHWISE),
        (Conv2d(4, 4, (3, 3), padding=(1, 1)), (255, 257), ConvKernels.THREE_BY_THREE),
        (Conv2d(4, 4, (3, 3), padding=(1, 1)), (256, 256), ConvKernels.GENERAL),
        (Conv2d(4, 4, (3, 3), padding=(1, 1)), (1, 9), ConvKernels.GENERAL),
        (Conv2d(4, 4, (3, 3), (2, 2), (1, 1), groups=4), (9, 2), ConvKernels.DEPTHWISE_THREE_BY_THREE),
        (Conv2d(4, 4, (3, 3), padding=(1, 1), groups=4), (1, 9), ConvKernels.DEPTHWISE),
        (Conv2d(4, 4, (5, 5), (4, 3), (2, 2), groups=4), (9, 9), ConvKernels.DEPTHWISE),
        (Conv2d(4, 4, (5, 5), (5, 3), (2, 2), groups=4), (9, 9), ConvKernels.GENERAL),
        (Conv2d(4, 8, (3, 3), padding=(1, 1), groups=4), (9, 9), ConvKernels.GENERAL),
        (Conv2d(4, 4, (3, 3), padding=(2, 2), dilation=(2, 2), groups=4), (9, 9), ConvKernels.DEPTHWISE),
    ],
)
def test_which_kernels_serve(op, size, kernels) -> None:
    assert op.kernels((4, *size)) is kernels


def test_more_outputs_than_a_list_can_name_are_refused() -> None:
    Dense(1, LONGEST_LIST)
    with pytest.raises(UserError, match=r"a dense layer of 65536 outputs is too wide: .* use at most 65535\."):
        Dense(1, LONGEST_LIST + 1)


def test_groups_must_divide_the_channels() -> None:
    with pytest.raises(UserError, match="from 4 to 6 channels cannot have 4 groups: choose a number that divides both"):
        Conv2d(4, 6, (3, 3), groups=4)
