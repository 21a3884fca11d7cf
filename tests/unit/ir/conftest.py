"""Small programs to test with, and the training programs made of them."""

from collections.abc import Callable
from types import MappingProxyType

import numpy as np
import pytest

from tinyprop.ir.differentiate import differentiate, layer_infos
from tinyprop.ir.graph import Node, Program, Value, frozen_array
from tinyprop.ir.losses import CrossEntropy
from tinyprop.ir.op import LayerOp, Op, Shape
from tinyprop.ir.ops import ScaleShift
from tinyprop.ir.train_program import TrainProgram
from tinyprop.methods.method import Method


def build_chain(shape: Shape, *ops: Op, seed: int = 0) -> Program:
    """A program of `ops` one behind the other, with random parameters."""
    rng = np.random.default_rng(seed)
    values, nodes, parameters = [Value("x", shape)], [], {}
    for number, op in enumerate(ops):
        names = []
        if isinstance(op, LayerOp):
            without = isinstance(op, ScaleShift) and not op.bias
            roles = ("weight", "bias", "mean", "variance")[2 if without else 0 :]
            for role, size in zip(roles, op.parameter_shapes(), strict=False):
                names.append(f"{number}.{role}")
                fan_in = max(1, int(np.prod(size[1:])))
                drawn = rng.normal(size=size) / np.sqrt(fan_in)
                parameters[names[-1]] = frozen_array(drawn**2 + 0.1 if role == "variance" else drawn)
        value = Value(f"v{number}", op.output_shape(values[-1].shape))
        nodes.append(Node(f"n{number}_{op.kind}", op, (values[-1].name,), value.name, tuple(names)))
        values.append(value)
    return Program(
        name="chain",
        input=values[0],
        output=values[-1],
        nodes=tuple(nodes),
        values=MappingProxyType({v.name: v for v in values}),
        parameters=MappingProxyType(parameters),
    )


def differentiated(program: Program, method: Method) -> TrainProgram:
    return differentiate(program, method.spec(layer_infos(program)), CrossEntropy())


@pytest.fixture
def chain() -> Callable[..., Program]:
    """chain(shape, *ops, seed=0) → Program."""
    return build_chain


@pytest.fixture
def train_program() -> Callable[[Program, Method], TrainProgram]:
    """train_program(program, method) → TrainProgram."""
    return differentiated
