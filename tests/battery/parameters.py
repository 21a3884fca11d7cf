"""What the parameters of a layer are called, and random values that mean something to it."""

import math

import numpy as np

from tinyprop.ir.op import Array, LayerOp, Op
from tinyprop.ir.ops import ScaleShift


def roles_of(op: Op) -> tuple[str, ...]:
    """The names of its parameters, in order; none for an operator that is no layer."""
    if isinstance(op, ScaleShift):
        return ("weight", "bias", "mean", "variance")[0 if op.bias else 2 :]
    return ("weight", "bias")[: len(op.parameter_shapes())] if isinstance(op, LayerOp) else ()


def meaningful(role: str, values: Array) -> Array:
    """`values` themselves, or what a parameter of this role can be."""
    return values**2 + values.dtype.type(0.1) if role == "variance" else values


def random_parameters(op: Op, rng: np.random.Generator) -> dict[str, Array]:
    """role → float64, sized so that a signal keeps its own size about."""
    shapes = op.parameter_shapes() if isinstance(op, LayerOp) else ()
    return {
        role: meaningful(role, rng.normal(size=shape) / np.sqrt(max(1, math.prod(shape[1:]))))
        for role, shape in zip(roles_of(op), shapes, strict=True)
    }
