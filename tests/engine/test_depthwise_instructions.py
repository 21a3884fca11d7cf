"""What depthwise kernels save beside the general ones is what docs/benchmark.md says: instructions are exact."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tinyprop.bench.kernels.workbench import Piece, Workbench, workbench
from tinyprop.codegen.conv2d_calls import conv_struct
from tinyprop.ir.ops.conv2d import Conv2d, ConvKernels
from tinyprop.targets import load_board

DOCUMENT = Path(__file__).parents[2] / "docs" / "benchmark.md"
CONVOLUTIONS = {
    "5 by 5 on 16×16×16": (Conv2d(16, 16, (5, 5), padding=(2, 2), groups=16), (16, 16, 16)),
    "the same, stride 2": (Conv2d(16, 16, (5, 5), (2, 2), (2, 2), groups=16), (16, 16, 16)),
    "5 on a signal 32×128": (Conv2d(32, 32, (1, 5), padding=(0, 2), groups=32), (32, 1, 128)),
    "9 on a signal 32×128": (Conv2d(32, 32, (1, 9), padding=(0, 4), groups=32), (32, 1, 128)),
}
# Forward, error, update: general, then depthwise.
CALLS = (
    ("tp_conv2d_fwd_f32(x, w, b, y, {c}, 0);", "tp_depthwise_conv2d_fwd_f32(x, w, b, y, {c}, 0);"),
    (
        "tp_conv2d_error_f32(x, y, NULL, w, e, (tp_kept *)scratch, {c}, (tp_pool){{1U, 1U}}, 0, 1);",
        "tp_depthwise_conv2d_error_f32(x, y, w, e, {c}, 0);",
    ),
    (
        "tp_conv2d_update_f32(x, y, NULL, w, b, scratch, 0.01f, {c}, (tp_pool){{1U, 1U}}, 1);",
        "tp_depthwise_conv2d_update_f32(x, y, w, b, 0.01f, {c});",
    ),
)


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
@pytest.mark.parametrize("title", CONVOLUTIONS)
def test_the_documented_counts_are_the_measured_ones(title: str, toolchain: str) -> None:
    if toolchain == "gcc" and shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    conv, shape = CONVOLUTIONS[title]
    assert conv.kernels(shape) is ConvKernels.DEPTHWISE
    size, outputs = int(np.prod(shape)), conv.delta_count(shape)
    shapes = {"x": (size,), "y": (outputs,), "w": (conv.out_channels * conv.filter_size,), "b": (conv.out_channels,)}
    shapes |= {"e": (size,), "scratch": (conv.general_scratch_bytes(outputs // conv.out_channels, updates=True) // 4,)}
    pieces = [Piece(shapes, call.format(c=f"({conv_struct(conv, shape)})")) for calls in CALLS for call in calls]
    macs = conv.out_channels * int(conv.taps_inside(shape).sum())
    with workbench(pieces, load_board("apollo4p-evb"), toolchain) as bench:
        dense = [cost / macs for cost in costs(bench, shapes, kept=1.0)]
        half = [cost / macs for cost in costs(bench, shapes, kept=0.5)]
    for general, own in (*zip(dense[::2], dense[1::2], strict=True), *zip(half[2::2], half[3::2], strict=True)):
        assert general > 1.3 * own
    if toolchain == "zig":
        numbers = (*dense, half[2], half[4])
        row = "| {} | {:.2f} → {:.2f} | {:.2f} → {:.2f} | {:.2f} → {:.2f} | {:.2f} | {:.2f} |".format(title, *numbers)
        assert row in DOCUMENT.read_text(encoding="utf-8"), row


def costs(bench: Workbench, shapes: dict[str, tuple[int, ...]], kept: float) -> list[int]:
    """Instructions of each piece on random numbers, a share of δ not zero; the two of a pair leave the same."""
    rng = np.random.default_rng(0)
    values = {name: rng.uniform(-1, 1, of).astype(np.float32) for name, of in shapes.items()}
    values["y"] *= rng.random(values["y"].shape) < kept
    runs = [bench.run(number, values) for number in range(2 * len(CALLS))]
    for (_, general), (_, own) in zip(runs[::2], runs[1::2], strict=True):
        for name in ("y", "e", "w", "b"):
            assert general[name].tobytes() == own[name].tobytes()
    return [cost.instructions for cost, _ in runs]
