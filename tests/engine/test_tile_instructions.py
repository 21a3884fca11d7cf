"""What training costs where errors and gradients are computed in tiles (tp_filter_tile.h): instructions are exact."""

import re
import shutil
from collections.abc import Callable
from importlib import resources

import numpy as np
import pytest
import torch
from torch import nn

import tinyprop
from tinyprop.bench.benchmark.ceilings import load_ceilings
from tinyprop.bench.kernels.workbench import Piece, workbench
from tinyprop.codegen.conv2d_calls import conv_struct
from tinyprop.ir.ops.conv2d import LISTED_WINDOWS, Conv2d, ConvKernels
from tinyprop.models import Cnn1d, LeNet5
from tinyprop.targets import load_board
from tinyprop.targets.toolchain import installed_compilers

HEADER = resources.files("tinyprop.engine").joinpath("include", "tp_filter_tile.h").read_text(encoding="utf-8")
BOARD = "apollo4p-evb"


def valid_network() -> nn.Module:
    """3 by 3 without padding, with a pool behind and without one."""
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(256, 5)),
    )


# Network → what makes it, the shape of a sample; at most so many thousand instructions a step by method and toolchain.
NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "valid": (valid_network, (3, 16, 16)),
    "cnn1d": (Cnn1d, (9, 128)),
    "lenet5": (LeNet5, (1, 28, 28)),
}
AT_MOST = {
    ("valid", "full"): {"zig": 1485, "gcc": 1459},
    ("valid", "ours"): {"zig": 1016, "gcc": 995},
    ("cnn1d", "full"): {"zig": 6442, "gcc": 6347},
    ("cnn1d", "ours"): {"zig": 3569, "gcc": 3445},
    ("lenet5", "full"): {"zig": 2178, "gcc": 2090},
    ("lenet5", "ours"): {"zig": 1598, "gcc": 1547},
}
COMPILERS = installed_compilers(load_board(BOARD), ("zig", "gcc"))


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
@pytest.mark.parametrize(("name", "method"), AT_MOST)
def test_a_step_costs_at_most_its_ceiling(name: str, method: str, toolchain: str) -> None:
    if COMPILERS.get(toolchain) != load_ceilings().compilers[toolchain]:
        pytest.skip(f"the ceilings hold for {load_ceilings().compilers[toolchain]}")
    make, shape = NETWORKS[name]
    torch.manual_seed(0)
    network = tinyprop.capture(make().eval(), torch.zeros(1, *shape), name=name)
    samples = np.random.default_rng(0).normal(size=(3, *shape)).astype(np.float32)
    with network.train(method).build(BOARD, toolchain=toolchain) as engine:
        trace = engine.fit(samples, np.arange(3), lr=0.01, progress=False)
    assert trace.instructions is not None
    assert trace.instructions.mean() / 1000 <= AT_MOST[name, method][toolchain]


TILED = {
    "whole channels": (Conv2d(8, 16, (3, 3)), (8, 10, 10)),
    "rows": (Conv2d(6, 8, (5, 5)), (6, 10, 10)),
    "pieces of a row": (Conv2d(4, 8, (1, 40)), (4, 1, 60)),
    "a signal, strided, across borders": (Conv2d(9, 16, (1, 9), (1, 2), (0, 4)), (9, 1, 64)),
    "across borders": (Conv2d(8, 8, (5, 5), padding=(2, 2)), (8, 8, 8)),
    "more taps than a word of a mask": (Conv2d(3, 8, (7, 7), (2, 2), (3, 3)), (3, 16, 16)),
}


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
def test_tiles_cost_less_than_lines_and_leave_the_same(toolchain: str) -> None:
    """Errors and gradients, every δ computed."""
    if toolchain == "gcc" and shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    pieces = [piece for conv, shape in TILED.values() for piece in tiles_and_lines(conv, shape)]
    rng = np.random.default_rng(0)
    with workbench(pieces, load_board(BOARD), toolchain) as bench:
        for number, title in enumerate(TILED):
            shapes = pieces[4 * number].shapes
            values = {name: rng.uniform(-1, 1, of).astype(np.float32) for name, of in shapes.items()}
            for first in (4 * number, 4 * number + 2):
                (tiles, by_tiles), (lines, by_lines) = (bench.run(first + i, values) for i in (0, 1))
                for name in ("y", "e", "w", "b"):
                    assert by_tiles[name].tobytes() == by_lines[name].tobytes(), title
                assert by_tiles["behind"].tobytes() == values["behind"].tobytes(), title  # scratch is large enough
                assert lines.instructions > 1.1 * tiles.instructions, title


def tiles_and_lines(conv: Conv2d, shape: tuple[int, ...]) -> list[Piece]:
    """Error in tiles and in lines, then gradients."""
    assert conv.kernels(shape) is ConvKernels.GENERAL
    size, outputs, c = int(np.prod(shape)), conv.delta_count(shape), f"({conv_struct(conv, shape)})"
    shapes = {"x": (size,), "y": (outputs,), "w": (conv.out_channels * conv.filter_size,), "b": (conv.out_channels,)}
    shapes |= {"e": (size,), "scratch": (conv.scratch_bytes(shape) // 4,), "behind": (4,)}
    positions, unpooled = outputs // conv.out_channels, "(tp_pool){1U, 1U}, 0"
    clear = f"for (uint32_t i = 0U; i < {size}U; ++i) {{\n    e[i] = 0.0f;\n}}\n"
    calls = (
        f"tp_conv2d_error_f32(x, y, NULL, w, e, (tp_kept *)scratch, {c}, {unpooled}, 0);",
        f"{clear}conv2d_error_lines(y, NULL, w, e, {c}, {unpooled});",
        f"tp_conv2d_update_f32(x, y, NULL, w, b, scratch, 0.01f, {c}, {unpooled});",
        f"for (uint32_t co = 0U; co < {conv.out_channels}U; ++co) {{\n"
        f"    conv2d_update_lines(x, y + co * {positions}U, NULL, w + co * {conv.filter_size}U, b + co, "
        f"scratch, 0.01f, {c}, {unpooled});\n}}",
    )
    return [Piece(shapes, call) for call in calls]


def test_a_list_of_windows_is_as_long_as_planned() -> None:
    assert re.findall(r"#define TP_LISTED_WINDOWS (\d+)U", HEADER) == [str(LISTED_WINDOWS)]
