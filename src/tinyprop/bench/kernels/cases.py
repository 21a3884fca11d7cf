"""Kernels of ours that compute what functions of CMSIS-DSP compute, on the sizes of the benchmark's networks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from tinyprop.bench.kernels.workbench import Piece

Arrays = dict[str, np.ndarray]
MATRIX, BASIC, STATISTICS = "Source/MatrixFunctions", "Source/BasicMathFunctions", "Source/StatisticsFunctions"
SOURCES = {
    "arm_mat_vec_mult_f32": MATRIX,
    "arm_mat_mult_f32": MATRIX,
    "arm_add_f32": BASIC,
    "arm_sub_f32": BASIC,
    "arm_scale_f32": BASIC,
    "arm_clip_f32": BASIC,
    "arm_max_f32": STATISTICS,
}


def _as_they_are(arrays: Arrays) -> Arrays:
    return arrays


@dataclass(frozen=True)
class Case:
    """One computation, twice. macs: multiply-adds (elements where there are none); functions: of CMSIS-DSP.

    Not here: softmax and exponentials, which CMSIS-DSP leaves to the C library, and convolutions of sequences, which we
    have none of.
    results: arrays that both leave alike, up to rounding. theirs_from: arrays as ours takes them → as theirs does.
    differs: what one of the two does otherwise, "" for nothing.
    """

    title: str
    size: str
    macs: int
    ours: Piece
    theirs: Piece
    functions: tuple[str, ...]
    results: tuple[str, ...]
    differs: str
    theirs_from: Callable[[Arrays], Arrays] = field(default=_as_they_are)

    @property
    def inputs(self) -> Mapping[str, tuple[int, ...]]:
        """Arrays that begin with numbers: all but the results that nothing reads, and scratch."""
        return {name: shape for name, shape in self.ours.shapes.items() if not name.startswith("out_")}


def dense_forward(inputs: int, outputs: int) -> Case:
    def turned(arrays: Arrays) -> Arrays:
        return arrays | {"weight": arrays["weight"].T}

    shapes = {"x": (inputs,), "bias": (outputs,), "out_y": (outputs,)}
    return Case(
        "dense forward",
        f"{inputs} → {outputs}",
        inputs * outputs,
        Piece(
            shapes | {"weight": (inputs, outputs)},
            f"tp_dense_fwd_f32(x, weight, bias, out_y, {inputs}U, {outputs}U, 0, 0);",
        ),
        Piece(
            shapes | {"weight": (outputs, inputs)},
            f"const arm_matrix_instance_f32 matrix = {{{outputs}U, {inputs}U, weight}};\n"
            f"arm_mat_vec_mult_f32(&matrix, x, out_y);\n"
            f"arm_add_f32(out_y, bias, out_y, {outputs}U);",
        ),
        ("arm_mat_vec_mult_f32", "arm_add_f32"),
        ("out_y",),
        "its weights lie output by output; the bias is a second call",
        turned,
    )


def dense_error(inputs: int, outputs: int) -> Case:
    def apart(arrays: Arrays) -> Arrays:
        return {name: arrays[name] for name in ("delta", "weight")}

    return Case(
        "dense error",
        f"{inputs} ← {outputs}",
        inputs * outputs,
        Piece(
            {"x": (inputs,), "delta": (outputs,), "weight": (inputs, outputs)},
            f"tp_dense_error_f32(x, delta, weight, {inputs}U, {outputs}U, 0, 0);",
        ),
        Piece(
            {"x": (inputs,), "delta": (outputs,), "weight": (inputs, outputs)},
            f"const arm_matrix_instance_f32 matrix = {{{inputs}U, {outputs}U, weight}};\n"
            f"arm_mat_vec_mult_f32(&matrix, delta, x);",
        ),
        ("arm_mat_vec_mult_f32",),
        ("x",),
        "",
        apart,
    )


def dense_update(inputs: int, outputs: int) -> Case:
    shapes = {"x": (inputs,), "delta": (outputs,), "bias": (outputs,), "weight": (inputs, outputs)}
    shapes |= {"out_scratch": (outputs,)}
    return Case(
        "dense update",
        f"{inputs} × {outputs}",
        inputs * outputs,
        Piece(
            shapes,
            f"tp_dense_update_f32(x, delta, weight, bias, (tp_index *)out_scratch, 0x1p-6f, {inputs}U, {outputs}U, "
            f"{outputs}U, 0);",
        ),
        Piece(
            shapes,
            f"for (uint32_t i = 0U; i < {inputs}U; ++i) {{\n"
            f"    arm_scale_f32(delta, 0x1p-6f * x[i], out_scratch, {outputs}U);\n"
            f"    arm_sub_f32(weight + i * {outputs}U, out_scratch, weight + i * {outputs}U, {outputs}U);\n"
            f"}}\n"
            f"arm_scale_f32(delta, 0x1p-6f, out_scratch, {outputs}U);\n"
            f"arm_sub_f32(bias, out_scratch, bias, {outputs}U);",
        ),
        ("arm_scale_f32", "arm_sub_f32"),
        ("weight", "bias"),
        "it has no scaled addition: two calls per row, the product in between in memory",
    )


def dense_backward(inputs: int, outputs: int) -> Case:
    shapes = {"x": (inputs,), "delta": (outputs,), "bias": (outputs,), "weight": (inputs, outputs)}
    return Case(
        "dense error + update",
        f"{inputs} × {outputs}",
        2 * inputs * outputs,
        Piece(
            shapes | {"out_scratch": (outputs,)},
            f"tp_dense_bwd_f32(x, delta, weight, bias, (tp_index *)out_scratch, 0x1p-6f, {inputs}U, {outputs}U, "
            f"{outputs}U, 0, 0);",
        ),
        Piece(
            shapes | {"out_scratch": (outputs,), "out_error": (inputs,)},
            f"const arm_matrix_instance_f32 matrix = {{{inputs}U, {outputs}U, weight}};\n"
            f"arm_mat_vec_mult_f32(&matrix, delta, out_error);\n"
            f"for (uint32_t i = 0U; i < {inputs}U; ++i) {{\n"
            f"    arm_scale_f32(delta, 0x1p-6f * x[i], out_scratch, {outputs}U);\n"
            f"    arm_sub_f32(weight + i * {outputs}U, out_scratch, weight + i * {outputs}U, {outputs}U);\n"
            f"    x[i] = out_error[i];\n"
            f"}}\n"
            f"arm_scale_f32(delta, 0x1p-6f, out_scratch, {outputs}U);\n"
            f"arm_sub_f32(bias, out_scratch, bias, {outputs}U);",
        ),
        ("arm_mat_vec_mult_f32", "arm_scale_f32", "arm_sub_f32"),
        ("x", "weight", "bias"),
        "ours makes one pass over the weights, its three",
    )


def convolution(channels: int, side: int, filters: int) -> Case:
    """Three by three, stride 1, padding 1, no pool."""

    def columns_of(arrays: Arrays) -> Arrays:
        padded = np.pad(arrays["x"], ((0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
        columns = windows.transpose(0, 3, 4, 1, 2).reshape(channels * 9, side * side)
        return {"columns": columns, "weight": arrays["weight"]}

    places, taps = side * side, channels * 9
    geometry = f"(tp_conv2d){{{channels}, {side}, {side}, {filters}, {side}, {side}, 3, 3, 1, 1, 1, 1, 1, 1, 1}}"
    result = {"out_y": (filters, places), "weight": (filters, taps)}
    return Case(
        "convolution 3 × 3",
        f"{channels}×{side}×{side} → {filters}",
        channels * filters * (3 * side - 2) ** 2,  # taps on the padding are no multiply-adds
        Piece(
            result | {"x": (channels, side, side)},
            f"tp_conv2d_fwd_f32_k3p1(x, weight, NULL, out_y, ({geometry}), 0);",
        ),
        Piece(
            result | {"columns": (taps, places)},
            f"const arm_matrix_instance_f32 filters = {{{filters}U, {taps}U, weight}};\n"
            f"const arm_matrix_instance_f32 image = {{{taps}U, {places}U, columns}};\n"
            f"arm_matrix_instance_f32 result = {{{filters}U, {places}U, out_y}};\n"
            f"(void)arm_mat_mult_f32(&filters, &image, &result);",
        ),
        ("arm_mat_mult_f32",),
        ("out_y",),
        "it has no convolution of images: a matrix product on the unfolded image, whose unfolding (and nine times the "
        "memory) is not counted; taps on the padding are computed",
        columns_of,
    )


def addition(size: int) -> Case:
    return _by_element(
        "addition", size, "tp_add_f32(a, b, out_y, {n}U);", "arm_add_f32(a, b, out_y, {n}U);", ("arm_add_f32",)
    )


def clamp(size: int) -> Case:
    return _by_element(
        "clamp",
        size,
        "tp_clamp_fwd_f32(a, out_y, -0.5f, 0.5f, {n}U);",
        "arm_clip_f32(a, out_y, -0.5f, 0.5f, {n}U);",
        ("arm_clip_f32",),
    )


def largest(size: int) -> Case:
    return _by_element(
        "largest element",
        size,
        "out_y[0] = (float)tp_argmax_f32(a, {n}U);",
        "uint32_t at;\nfloat value;\narm_max_f32(a, {n}U, &value, &at);\nout_y[0] = (float)at;",
        ("arm_max_f32",),
        "it gives the value too",
    )


def _by_element(title: str, size: int, ours: str, theirs: str, functions: tuple[str, ...], differs: str = "") -> Case:
    shapes = {"a": (size,), "b": (size,), "out_y": (size,)}
    own, other = (Piece(shapes, statements.format(n=size)) for statements in (ours, theirs))
    return Case(title, f"{size}", size, own, other, functions, ("out_y",), differs)


CASES: tuple[Case, ...] = (
    dense_forward(64, 32),
    dense_forward(784, 32),
    dense_forward(256, 10),
    dense_error(64, 32),
    dense_error(256, 10),
    dense_update(64, 32),
    dense_update(784, 32),
    dense_backward(32, 16),
    dense_backward(64, 256),
    convolution(8, 8, 16),
    addition(512),
    clamp(512),
    largest(512),
)
