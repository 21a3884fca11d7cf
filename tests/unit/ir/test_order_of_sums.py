"""The order of float32 sums is a contract with the C kernels: operators against scalar loops, to the last bit."""

import itertools

import numpy as np
import pytest

from tinyprop.ir.elementary import expf, logf
from tinyprop.ir.losses import CrossEntropy
from tinyprop.ir.ops import Conv2d, Conv2dMaxPool, Dense, MaxPool2d, ScaleShift
from tinyprop.ir.ops.conv2d import DeltaEntry

ZERO = np.float32(0)
LR = np.float32(0.1)


def normal(*shape: int) -> np.ndarray:
    """Values of very different size, so that another order gives other bits."""
    rng = np.random.default_rng(len(shape))
    return (rng.normal(size=shape) * np.exp(rng.normal(size=shape) * 2)).astype(np.float32)


def assert_same_bits(got: np.ndarray, want: np.ndarray) -> None:
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, want)


def loop_forward(op: Conv2d, x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    y = np.empty(op.output_shape(x.shape), np.float32)
    for co, oy, ox in np.ndindex(y.shape):
        total = bias[co]
        for ci, ky, kx in np.ndindex(weight.shape[1:]):
            row, column = oy * op.stride[0] - op.padding[0] + ky, ox * op.stride[1] - op.padding[1] + kx
            if 0 <= row < x.shape[1] and 0 <= column < x.shape[2]:
                total = total + weight[co, ci, ky, kx] * x[ci, row, column]
        y[co, oy, ox] = total
    return y


def loop_backward(op: Conv2d, entries: list[DeltaEntry], x: np.ndarray, weight: np.ndarray) -> list[np.ndarray]:
    """Error of the input, gradient of weight and of bias; `entries` in the order of the sums."""
    error, gradient, bias = np.zeros_like(x), np.zeros_like(weight), np.zeros(op.out_channels, np.float32)
    for e in entries:
        bias[e.channel] += e.value
        for ci, ky, kx in np.ndindex(weight.shape[1:]):
            row, column = e.y * op.stride[0] - op.padding[0] + ky, e.x * op.stride[1] - op.padding[1] + kx
            if 0 <= row < x.shape[1] and 0 <= column < x.shape[2]:
                error[ci, row, column] += weight[e.channel, ci, ky, kx] * e.value
                gradient[e.channel, ci, ky, kx] += e.value * x[ci, row, column]
    return [error, gradient, bias]


def check_backward(op, conv, x, weight, bias, delta, ran, entries) -> None:
    error, gradient, bias_gradient = loop_backward(conv, entries, x, weight)
    assert_same_bits(op.input_error(delta, x, (weight, bias), ran), error)
    updated = op.updated(delta, x, (weight, bias), ran, float(LR))
    assert_same_bits(updated[0], weight - LR * gradient)
    assert_same_bits(updated[1], bias - LR * bias_gradient)


@pytest.mark.parametrize("stride", [(1, 1), (2, 1)])
def test_convolution(stride) -> None:
    op = Conv2d(3, 4, (3, 2), stride, padding=(1, 1))
    x, weight, bias = normal(3, 7, 6), normal(4, 3, 3, 2), normal(4)
    ran = op.forward(x, (weight, bias))
    assert_same_bits(ran.y, loop_forward(op, x, weight, bias))
    delta = normal(*ran.y.shape)
    channels, rows, columns = delta.shape
    places = itertools.product(range(rows), range(columns), range(channels))
    entries = [DeltaEntry(co, oy, ox, delta[co, oy, ox]) for oy, ox, co in places]
    check_backward(op, op, x, weight, bias, delta, ran, entries)


def test_pooled_convolution() -> None:
    conv, pool = Conv2d(2, 5, (3, 3), padding=(1, 1)), MaxPool2d((2, 3), (2, 3))
    op = Conv2dMaxPool(conv, pool)
    x, weight, bias = normal(2, 7, 8), normal(5, 2, 3, 3), normal(5)
    ran = op.forward(x, (weight, bias))
    unpooled = loop_forward(conv, x, weight, bias)
    delta = normal(*ran.y.shape)
    channels, rows, columns = delta.shape
    entries = []
    for py, px, dy, dx, co in itertools.product(range(rows), range(columns), range(2), range(3), range(channels)):
        window = unpooled[co, 2 * py : 2 * py + 2, 3 * px : 3 * px + 3]
        if np.argmax(window) == dy * 3 + dx:
            assert ran.y[co, py, px] == window[dy, dx]
            assert ran.aux[co, py, px] == dy * 3 + dx
            entries.append(DeltaEntry(co, 2 * py + dy, 3 * px + dx, delta[co, py, px]))
    assert len(entries) == delta.size
    check_backward(op, conv, x, weight, bias, delta, ran, entries)


def test_pooled_delta_is_ordered_by_its_unpooled_place() -> None:
    conv, pool = Conv2d(1, 2, (1, 1), bias=False), MaxPool2d((2, 2), (2, 2))
    x = np.array([[[0, 9, 0, 0, 5], [0, 0, 9, 0, 5], [9, 0, 0, 0, 5]]], np.float32)  # one row and column left over
    ran = Conv2dMaxPool(conv, pool).forward(x, (np.array([1, -1], np.float32).reshape(2, 1, 1, 1),))
    np.testing.assert_array_equal(ran.aux, [[[1, 2]], [[0, 0]]])
    np.testing.assert_array_equal(Conv2dMaxPool(conv, pool).delta_order(ran), [1, 6, 8, 10])


def test_dense() -> None:
    op = Dense(9, 5)
    x, weight, bias, delta = normal(9), normal(5, 9), normal(5), normal(5, 1)[:, 0]
    ran = op.forward(x, (weight, bias))
    for o in range(5):
        total = bias[o]
        for i in range(9):
            total = total + weight[o, i] * x[i]
        assert ran.y[o] == total
    error = op.input_error(delta, x, (weight, bias), ran)
    for i in range(9):
        total = ZERO
        for o in range(5):
            total = total + weight[o, i] * delta[o]
        assert error[i] == total
    updated = op.updated(delta, x, (weight, bias), ran, float(LR))
    for o, i in np.ndindex(5, 9):
        assert updated[0][o, i] == weight[o, i] - (LR * x[i]) * delta[o]
    assert_same_bits(updated[1], bias - LR * delta)


def test_scale_and_shift() -> None:
    op = ScaleShift(3, eps=1e-3)
    x, delta, (weight, bias, mean, deviation) = normal(3, 5, 4), normal(3, 5, 4)[::-1], normal(4, 3)
    parameters = (weight, bias, mean, deviation * deviation)
    ran = op.forward(x, parameters)
    error = op.input_error(delta, x, parameters, ran)
    updated = op.updated(delta, x, parameters, ran, float(LR))
    for c in range(3):
        inverse = np.float32(1) / np.sqrt(parameters[3][c] + np.float32(1e-3))
        scale = weight[c] * inverse
        shift = bias[c] - mean[c] * scale
        spread = total = ZERO
        for y, x_ in np.ndindex(5, 4):
            assert ran.y[c, y, x_] == x[c, y, x_] * scale + shift
            assert error[c, y, x_] == delta[c, y, x_] * scale
            spread = spread + (x[c, y, x_] - mean[c]) * delta[c, y, x_]
            total = total + delta[c, y, x_]
        assert updated[0][c] == weight[c] - LR * (spread * inverse)
        assert updated[1][c] == bias[c] - LR * total


def test_softmax_normaliser() -> None:
    logits = np.random.default_rng(0).normal(size=200).astype(np.float32)
    exponentials = expf(logits - logits.max())
    total = ZERO
    for e in exponentials:
        total = total + e
    loss, delta = CrossEntropy().loss_and_error(logits, 3)
    assert loss == logf(total) - (logits[3] - logits.max())
    for i, e in enumerate(exponentials):
        assert delta[i] == e / total - np.float32(i == 3)
