"""The inference program: values, nodes in execution order, parameters. A frozen record with a stable printed form."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from tinyprop.ir.op import LayerOp, Op, Shape


@dataclass(frozen=True)
class Value:
    """A tensor that flows between nodes. shape: without batch."""

    name: str
    shape: Shape
    dtype: str = "f32"

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def channels(self) -> tuple[int, int]:
        """How many channels, and how many elements each has; a vector's have one."""
        return self.shape[0], self.size // self.shape[0]


@dataclass(frozen=True)
class Node:
    """One application of an operator. parameters: names in `Program.parameters`, weight first."""

    name: str
    op: Op
    inputs: tuple[str, ...]
    output: str
    parameters: tuple[str, ...] = ()

    @property
    def input(self) -> str:
        """The only input, or the first."""
        return self.inputs[0]

    @property
    def trained(self) -> tuple[str, ...]:
        """Those of the parameters that training may change."""
        return self.parameters[: self.op.trained] if isinstance(self.op, LayerOp) else ()


@dataclass(frozen=True)
class Program:
    """A network for one sample at a time: a directed acyclic graph, its nodes in an order in which they can run.

    parameters: name → read-only float32 array in PyTorch's layout; their order is the *program order* in which
    every hash, checkpoint and parameter block lists them.
    """

    name: str
    input: Value
    output: Value
    nodes: tuple[Node, ...]
    values: Mapping[str, Value]
    parameters: Mapping[str, np.ndarray]

    @property
    def layers(self) -> tuple[Node, ...]:
        """The nodes that have parameters, in forward order."""
        return tuple(n for n in self.nodes if isinstance(n.op, LayerOp))

    def value_in(self, node: Node) -> Value:
        """The value that `node` reads, or the first of them."""
        return self.values[node.input]

    def shapes_in(self, node: Node) -> tuple[Shape, ...]:
        """Shapes of all values that `node` reads."""
        return tuple(self.values[name].shape for name in node.inputs)

    def value_out(self, node: Node) -> Value:
        """The value that `node` writes."""
        return self.values[node.output]

    def __reduce__(self) -> tuple[Any, ...]:
        """Read-only mappings cannot be pickled and arrays come back writeable: both are made anew."""
        return _restored, (self.name, self.input, self.output, self.nodes, dict(self.values), dict(self.parameters))

    def __str__(self) -> str:
        lines = [f"program {self.name}({self.input.name}: {self.input.dtype}{list(self.input.shape)})"]
        for node in self.nodes:
            shape = list(self.value_out(node).shape)
            lines.append(f"  {node.output}: f32{shape} = {node.op}({', '.join((*node.inputs, *node.parameters))})")
        return "\n".join([*lines, f"  return {self.output.name}"])


def _restored(
    name: str,
    first: Value,
    last: Value,
    nodes: tuple[Node, ...],
    values: dict[str, Value],
    parameters: dict[str, np.ndarray],
) -> Program:
    frozen = {key: frozen_array(array) for key, array in parameters.items()}
    return Program(name, first, last, nodes, MappingProxyType(values), MappingProxyType(frozen))


def frozen_array(array: np.ndarray) -> np.ndarray:
    """A private, contiguous, read-only float32 copy, in which -0.0 is 0.0.

    A weight of -0.0 is the one number to which adding a zero makes a difference: without it, leaving out exact zeros
    changes no bit. Training never makes one.
    """
    copy = np.array(array, dtype=np.float32, order="C", copy=True)
    copy += np.float32(0)
    copy.flags.writeable = False
    return copy
