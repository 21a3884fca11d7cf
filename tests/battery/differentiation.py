"""What an operator's own backward says, what autograd says, and what finite differences of its forward say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from battery.parameters import meaningful, roles_of
from battery.torch_twin import twin
from tinyprop.ir.op import Array, JoinOp, LayerOp, Op, PassOp, Shape
from tinyprop.ir.ops import Add, Clamp, Concat, MaxPool2d, ReLU, Reshape

# How far from autograd, by whether an operator adds up many terms, in an order of its own; DIFFERENCES: how far from
# finite differences, which are off by STEP² of curvature and 1e-16/STEP of rounding, times the size of the sum.
SUMS = {np.float64: {"rtol": 1e-10, "atol": 1e-11}, np.float32: {"rtol": 2e-4, "atol": 2e-5}}
OTHERS = {np.float64: {"rtol": 1e-10, "atol": 1e-11}, np.float32: {"rtol": 1e-5, "atol": 1e-6}}
DIFFERENCES = {"rtol": 1e-6, "atol": 1e-7}
MOVES = (Add, Clamp, Concat, MaxPool2d, ReLU, Reshape)  # the output to the bit
STEP = 1e-5  # of a central difference, in values of about 1


@dataclass(frozen=True)
class Derivatives:
    """An output, and the gradient of Σ error·output by every input and then every parameter that trains."""

    output: Array
    gradients: tuple[Array, ...]


def draw(op: Op, shapes: Sequence[Shape], dtype: type, seed: int = 0, scale: float = 1.0) -> tuple[list[Array], Array]:
    """Random inputs, then parameters, of `op`; and an error for its output."""
    rng = np.random.default_rng(seed)
    parameters = op.parameter_shapes() if isinstance(op, LayerOp) else ()
    arguments = [rng.normal(size=shape).astype(dtype) * dtype(scale) for shape in (*shapes, *parameters)]
    arguments[len(shapes) :] = map(meaningful, roles_of(op), arguments[len(shapes) :])
    return arguments, rng.normal(size=op.shape_after(tuple(shapes))).astype(dtype)


def own(op: Op, arguments: Sequence[Array], error: Array, lr: float = 1.0) -> Derivatives:
    """The operator's forward and backward; of parameters what a step at rate `lr` subtracts."""
    count = len(arguments) - (len(op.parameter_shapes()) if isinstance(op, LayerOp) else 0)
    xs, parameters = tuple(arguments[:count]), tuple(arguments[count:])
    ran = op.run(xs, parameters)
    if isinstance(op, JoinOp):
        return Derivatives(ran.y, op.backward(error, tuple(x.shape for x in xs)))
    if isinstance(op, PassOp):
        return Derivatives(ran.y, (op.backward(error, xs[0], ran),))
    assert isinstance(op, LayerOp)
    delta = op.delta(error, ran)
    updated = op.updated(delta, xs[0], parameters, ran, lr) if op.trained else ()
    taken = tuple(was - now for was, now in zip(parameters[: op.trained], updated, strict=True))
    return Derivatives(ran.y, (op.input_error(delta, xs[0], parameters, ran), *taken))


def autograd(op: Op, arguments: Sequence[Array], error: Array) -> Derivatives:
    """The same by PyTorch."""
    tensors = [torch.from_numpy(a.copy()) for a in arguments]
    fixed = len(op.parameter_shapes()) - op.trained if isinstance(op, LayerOp) else 0
    leaves = [tensor.requires_grad_() for tensor in tensors[: len(tensors) - fixed]]
    y = twin(op)(*tensors)
    gradients = torch.autograd.grad(y, leaves, torch.from_numpy(error))
    return Derivatives(y.detach().numpy(), tuple(g.numpy() for g in gradients))


def assert_is_autograd(op: Op, arguments: Sequence[Array], error: Array) -> None:
    """Output, input errors and parameter gradients: values, shapes, dtype."""
    dtype = error.dtype.type
    got, expected = own(op, arguments, error), autograd(op, arguments, error)
    tolerance = (SUMS if isinstance(op, LayerOp) else OTHERS)[dtype]
    for mine, truth in zip((got.output, *got.gradients), (expected.output, *expected.gradients), strict=True):
        assert mine.dtype == dtype
        assert mine.shape == truth.shape
        np.testing.assert_allclose(mine, truth, **tolerance)
    if isinstance(op, MOVES):
        np.testing.assert_array_equal(got.output, expected.output)


def finite_differences(value: Callable[..., float], arguments: Sequence[Array]) -> tuple[Array, ...]:
    """Central differences of value(*arguments) by every element of every argument, in float64."""
    arguments = [np.array(a, np.float64) for a in arguments]
    gradients = [np.empty_like(a) for a in arguments]
    for array, gradient in zip(arguments, gradients, strict=True):
        for place in np.ndindex(array.shape):
            middle = array[place]
            ends = []
            for array[place] in (middle + STEP, middle - STEP):
                ends.append(value(*arguments))
            array[place] = middle
            gradient[place] = (ends[0] - ends[1]) / (2 * STEP)
    return tuple(gradients)
