"""What training costs where errors and gradients are computed in tiles (tp_filter_tile.h): instructions are exact."""

import re
import shutil
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import tinyprop
from tinyprop.bench.benchmark.ceilings import load_ceilings
from tinyprop.bench.kernels.workbench import Piece, workbench
from tinyprop.codegen.conv2d_calls import conv_struct
from tinyprop.ir.graph import Program
from tinyprop.ir.ops import Conv2dMaxPool, Dense
from tinyprop.ir.ops.conv2d import LISTED_WINDOWS, Conv2d, ConvKernels
from tinyprop.models import Cnn1d, DsCnn, LeNet5
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


PAGE = Path(__file__).parents[2] / "docs" / "benchmark.md"


def test_the_page_says_what_a_multiply_add_takes() -> None:
    """LeNet-5's convolutions, with a pool behind, and DS-CNN's first, which sends no error, with zig."""
    by_function, backward, program = one_step(LeNet5, (1, 28, 28))
    second = next(node.op.conv for node in program.nodes[::-1] if isinstance(node.op, Conv2dMaxPool))
    error = 5 * 5 * second.out_channels * second.filter_size  # of each winner the whole window, none on padding
    dense = sum(2 * node.op.inputs * node.op.outputs for node in program.nodes if isinstance(node.op, Dense))
    forward = 6 * (5 * 28 - 6) ** 2 + error * 2 * 2  # of 28 rows of 5 taps 6 lie on padding; then of all four places
    macs = (forward, error, backward - dense - error)
    taken = [spent(by_function, f"conv2d_{what}_f32") for what in ("max_pool_fwd", "error", "update")]
    prices = " | ".join(f"{instructions / of:.2f}" for instructions, of in zip(taken, macs, strict=True))
    assert f"| any geometry, a pool behind it | {prices} | LeNet-5 |" in PAGE.read_text(encoding="utf-8"), prices

    by_function, _, program = one_step(DsCnn, (1, 49, 10))
    first = next(node.op for node in program.nodes if isinstance(node.op, Conv2d))
    macs = first.out_channels * int(first.taps_inside((1, 49, 10)).sum())
    taken = [spent(by_function, f"conv2d_{what}_f32_1x49x10") for what in ("fwd", "update")]
    prices = " | – | ".join(f"{instructions / macs:.2f}" for instructions in taken)
    assert f"| any geometry, without | {prices} | DS-CNN's first" in PAGE.read_text(encoding="utf-8"), prices


def one_step(make: Callable[[], nn.Module], shape: tuple[int, ...]) -> tuple[dict[str, int], int, Program]:
    """Instructions by function and multiply-adds of the backward pass of a step of full training; the program."""
    torch.manual_seed(0)
    trainer = tinyprop.capture(make().eval(), torch.zeros(1, *shape)).train("full")
    x, y = np.random.default_rng(0).normal(size=(1, *shape)).astype(np.float32), np.array([0])
    with trainer.build("host") as host, trainer.build(BOARD, toolchain="zig") as board:
        board.fit(x, y, progress=False)
        trace = host.fit(x, y, progress=False)
        assert trace.macs_backward is not None
        return board.instructions_by_function(), int(trace.macs_backward[0]), trainer.train_program.program


def spent(by_function: dict[str, int], kernel: str) -> int:
    """Instructions of a kernel in all shapes."""
    return sum(count for name, count in by_function.items() if name.startswith(kernel))
