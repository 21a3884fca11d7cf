"""A Program without PyTorch: operators one behind the other, with random weights."""

import math
from collections.abc import Sequence
from types import MappingProxyType

import numpy as np

from tinyprop.ir.graph import Node, Program, Value, frozen_array
from tinyprop.ir.op import LayerOp, Op, Shape
from tinyprop.ir.verify import verify


def chain(name: str, shape: Shape, ops: Sequence[Op], seed: int = 0) -> Program:
    """x of `shape` through `ops` in order; their values are called v1, v2, …, their parameters v1.weight, v1.bias.

    Weights are normal, of variance 2/fan-in, biases zero: the same for one seed. For layers of weight and bias only.
    Raises UserError where an operator cannot read what the one before it leaves.
    """
    rng = np.random.default_rng(seed)
    values = {"x": Value("x", shape)}
    nodes, parameters = [], {}
    for number, op in enumerate(ops, start=1):
        read, written = list(values)[-1], f"v{number}"
        shapes = op.parameter_shapes() if isinstance(op, LayerOp) else ()
        named = dict(zip((f"{written}.weight", f"{written}.bias"), shapes, strict=False))
        for key, size in named.items():
            scale = math.sqrt(2 / math.prod(size[1:])) if len(size) > 1 else 0.0
            parameters[key] = frozen_array(scale * rng.standard_normal(size))
        values[written] = Value(written, op.shape_after((values[read].shape,)))
        nodes.append(Node(written, op, (read,), written, tuple(named)))
    last = values[f"v{len(ops)}"]
    program = Program(name, values["x"], last, tuple(nodes), MappingProxyType(values), MappingProxyType(parameters))
    verify(program)
    return program
