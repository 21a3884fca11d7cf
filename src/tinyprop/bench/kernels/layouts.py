"""Kernels of ours beside the same on weights and images that lie another way in memory: why ours lie as they do.

Ours: dense weights input by input, images channel by channel. The others, blocked as well as that way allows, are C of
this benchmark alone (`c/other_layouts.h`); both leave the same numbers, the dense ones bit for bit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinyprop.bench.kernels.workbench import OUR_KERNELS, Cost, Piece, Shapes, workbench
from tinyprop.errors import InternalError
from tinyprop.targets import Board

Arrays = Mapping[str, np.ndarray]
HEAD = f"{OUR_KERNELS}\n{(Path(__file__).parent / 'c' / 'other_layouts.h').read_text()}"
OUTPUT_MAJOR, CHANNELS_LAST = "output by output", "channels last"
TOLERANCE = 1e-4  # between two orders of additions, on sums of at most 72 products below 1


@dataclass(frozen=True)
class Layout:
    """One computation in two layouts. other: the name of the one that is not ours.

    kept: of δ's entries, None where no δ takes part; zeros: share of the inputs that are exactly zero. moved: arrays as
    ours takes them → as the other does, and back: where the other has `weight`, whose results are compared as well.
    """

    title: str
    size: str
    other: str
    ours: Piece
    theirs: Piece
    results: tuple[str, ...]
    moved: Callable[[Arrays], dict[str, np.ndarray]]
    back: Callable[[Arrays], dict[str, np.ndarray]]
    kept: int | None = None
    zeros: float = 0.0


@dataclass(frozen=True)
class LaidOut:
    """What a layout costs; title to zeros: as in Layout."""

    title: str
    size: str
    other: str
    kept: int | None
    zeros: float
    toolchain: str
    ours: Cost
    theirs: Cost

    @property
    def ratio(self) -> float:
        """Instructions of the other over ours: above 1 ours takes fewer."""
        return self.theirs.instructions / self.ours.instructions


def dense_forward(inputs: int, outputs: int, zeros: float = 0.0) -> Layout:
    shapes = {"x": (inputs,), "bias": (outputs,), "out_y": (outputs,)}
    skips = int(zeros > 0)
    return Layout(
        "dense forward",
        f"{inputs} → {outputs}",
        OUTPUT_MAJOR,
        Piece(
            shapes | {"weight": (inputs, outputs)},
            f"tp_dense_fwd_f32(x, weight, bias, out_y, {inputs}U, {outputs}U, 0, {skips});",
        ),
        Piece(
            shapes | {"weight": (outputs, inputs)},
            f"other_dense_fwd(x, weight, bias, out_y, {inputs}U, {outputs}U);",
        ),
        ("out_y",),
        *(_turned, _turned),
        zeros=zeros,
    )


def dense_update(inputs: int, outputs: int, kept: int, zeros: float = 0.0) -> Layout:
    call = (
        f"tp_dense_update_f32(x, delta, weight, bias, (tp_index *)out_scratch, 0x1p-6f, {inputs}U, {outputs}U, kept, "
    )
    return _dense_backward(
        *("dense update", inputs, outputs, kept, zeros),
        f"{call}{int(zeros > 0)});",
        f"other_dense_update(x, delta, weight, bias, out_scratch, 0x1p-6f, {inputs}U, {outputs}U);",
        ("weight", "bias"),
    )


def dense_backward(inputs: int, outputs: int, kept: int, zeros: float = 0.0) -> Layout:
    call = f"tp_dense_bwd_f32(x, delta, weight, bias, (tp_index *)out_scratch, 0x1p-6f, {inputs}U, {outputs}U, kept, "
    return _dense_backward(
        *("dense error + update", inputs, outputs, kept, zeros),
        f"{call}1, 1);",
        f"other_dense_bwd(x, delta, weight, bias, out_scratch, out_error, 0x1p-6f, {inputs}U, {outputs}U);",
        ("x", "weight", "bias"),
    )


def _dense_backward(
    title: str, inputs: int, outputs: int, kept: int, zeros: float, ours: str, theirs: str, results: tuple[str, ...]
) -> Layout:
    shapes: Shapes = {"x": (inputs,), "delta": (outputs,), "bias": (outputs,)}
    scratch = {"out_scratch": (max(inputs, outputs),), "out_error": (inputs,)}
    return Layout(
        title,
        f"{inputs} × {outputs}",
        OUTPUT_MAJOR,
        Piece({**shapes, **scratch, "weight": (inputs, outputs)}, ours),
        Piece({**shapes, **scratch, "weight": (outputs, inputs)}, theirs),
        results,
        *(_turned, _turned),
        kept=kept,
        zeros=zeros,
    )


def convolution_forward(channels: int, side: int, filters: int) -> Layout:
    """Three by three, stride 1, padding 1, no pool."""

    def moved(arrays: Arrays) -> dict[str, np.ndarray]:
        return {"x": arrays["x"].transpose(1, 2, 0), "weight": arrays["weight"].transpose(2, 3, 1, 0)}

    def back(arrays: Arrays) -> dict[str, np.ndarray]:
        return {"out_y": arrays["out_y"].transpose(2, 0, 1)}

    geometry = f"(tp_conv2d){{{channels}, {side}, {side}, {filters}, {side}, {side}, 3, 3, 1, 1, 1, 1, 1, 1, 1}}"
    weight, image, result = (filters, channels, 3, 3), (channels, side, side), (filters, side, side)
    return Layout(
        "convolution 3 × 3",
        f"{channels}×{side}×{side} → {filters}",
        CHANNELS_LAST,
        Piece(
            {"x": image, "weight": weight, "out_y": result},
            f"tp_conv2d_fwd_f32_k3p1(x, weight, NULL, out_y, ({geometry}), 0);",
        ),
        Piece(
            {
                "x": (side, side, channels),
                "weight": (3, 3, channels, filters),
                "out_y": (side, side, filters),
            },
            f"other_conv2d_fwd(x, weight, out_y, {side}U, {channels}U, {filters}U);",
        ),
        ("out_y",),
        *(moved, back),
    )


def _turned(arrays: Arrays) -> dict[str, np.ndarray]:
    return {name: array.T if name == "weight" else array for name, array in arrays.items()}


LAYOUTS: tuple[Layout, ...] = (
    *(dense_forward(64, 32, zeros) for zeros in (0.0, 0.5)),
    *(dense_forward(784, 32, zeros) for zeros in (0.0, 0.75)),
    *(dense_update(64, 32, kept, zeros) for zeros in (0.0, 0.5) for kept in (32, 8)),
    *(dense_update(784, 32, kept, zeros) for zeros in (0.0, 0.75) for kept in (32, 8)),
    *(dense_backward(32, 16, kept, zeros) for zeros in (0.0, 0.5) for kept in (16, 4)),
    convolution_forward(8, 8, 16),
)


def laid_out(layouts: Sequence[Layout], board: Board, toolchain: str) -> list[LaidOut]:
    """What both layouts cost on the same numbers. Raises InternalError where they do not compute the same."""
    values = [_values(layout) for layout in layouts]
    pieces = [piece for layout in layouts for piece in (layout.ours, layout.theirs)]
    found = []
    with workbench(pieces, board, toolchain, HEAD) as bench:
        for number, (layout, arrays) in enumerate(zip(layouts, values, strict=True)):
            kept = layout.kept or 0
            ours, ours_after = bench.run(2 * number, arrays, kept)
            theirs, theirs_after = bench.run(2 * number + 1, layout.moved(arrays), kept)
            _require_alike(layout, ours_after, layout.back(theirs_after))
            described = (layout.title, layout.size, layout.other, layout.kept, layout.zeros)
            found.append(LaidOut(*described, toolchain, ours, theirs))
    return found


def _values(layout: Layout) -> dict[str, np.ndarray]:
    """Numbers between 0.1 and 1, the same each time; zeros where the layout has them."""
    random = np.random.default_rng(0)
    inputs = {name: shape for name, shape in layout.ours.shapes.items() if not name.startswith("out_")}
    values = {name: random.uniform(0.1, 1.0, shape).astype(np.float32) for name, shape in inputs.items()}
    x = values["x"].reshape(-1)
    x[random.permutation(x.size)[: round(layout.zeros * x.size)]] = 0
    if layout.kept is not None:
        delta = values["delta"]
        delta[random.permutation(delta.size)[layout.kept :]] = 0
    return values


def _require_alike(layout: Layout, ours: Arrays, theirs: Arrays) -> None:
    tolerance = TOLERANCE if layout.other == CHANNELS_LAST else 0.0  # whose sums run in another order
    for name in layout.results:
        off = float(np.abs(ours[name] - theirs[name]).max())
        if not off <= tolerance:
            raise InternalError(
                f"{layout.title} {layout.size} {layout.other} differs from ours by {off:g} in '{name}': no comparison."
            )
