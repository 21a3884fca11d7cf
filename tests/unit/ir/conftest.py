"""Small programs to test with, and the training programs made of them."""

from collections.abc import Callable
from types import MappingProxyType

import numpy as np
import pytest

from battery.parameters import random_parameters
from tinyprop.ir.differentiate import differentiate, layer_infos
from tinyprop.ir.graph import Node, Program, Value, frozen_array
from tinyprop.ir.losses import CrossEntropy
from tinyprop.ir.op import Op, Shape
from tinyprop.ir.train_program import TrainProgram
from tinyprop.methods.method import Method


def build_chain(shape: Shape, *ops: Op, seed: int = 0) -> Program:
    """A program of `ops` one behind the other, with random parameters."""
    rng = np.random.default_rng(seed)
    values, nodes, parameters = [Value("x", shape)], [], {}
    for number, op in enumerate(ops):
        drawn = {f"{number}.{role}": frozen_array(a) for role, a in random_parameters(op, rng).items()}
        parameters |= drawn
        value = Value(f"v{number}", op.output_shape(values[-1].shape))
        nodes.append(Node(f"n{number}_{op.kind}", op, (values[-1].name,), value.name, tuple(drawn)))
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
