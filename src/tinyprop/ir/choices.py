"""The common choices of what trains: one table, name → what it picks of a program."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tinyprop.ir.graph import Node, Program
from tinyprop.ir.op import JoinOp
from tinyprop.ir.ops.conv2d import Conv2d
from tinyprop.ir.ops.conv2d_max_pool import Conv2dMaxPool
from tinyprop.ir.ops.scale_shift import ScaleShift
from tinyprop.ir.prefix import last_meeting
from tinyprop.ir.scaled_layers import trained_layers


@dataclass(frozen=True)
class Choice:
    """summary: one line for users; parameters: the names of what trains of a fused program, maybe none."""

    summary: str
    parameters: Callable[[Program], tuple[str, ...]]


def _all(program: Program) -> tuple[str, ...]:
    return _trained(program.layers)


def _last_layer(program: Program) -> tuple[str, ...]:
    return _trained(trained_layers(program)[-1])


def _last_block(program: Program) -> tuple[str, ...]:
    return _trained(last_block(program))


def _biases(program: Program) -> tuple[str, ...]:
    return tuple(name for node in program.layers for name in node.trained[1:])


def _batch_norms(program: Program) -> tuple[str, ...]:
    return _trained(node for node in program.layers if isinstance(node.op, ScaleShift))


def _trained(nodes: Iterable[Node]) -> tuple[str, ...]:
    return tuple(name for node in nodes for name in node.trained)


CHOICES: Mapping[str, Choice] = MappingProxyType(
    {
        "last_layer": Choice("the last layer", _last_layer),
        "last_block": Choice("the last block and what is behind it", _last_block),
        "biases": Choice("every bias, no weight", _biases),
        "batch_norms": Choice("scale and shift of every batch norm", _batch_norms),
        "all": Choice("every weight and bias", _all),
    }
)


def last_block(program: Program) -> tuple[Node, ...]:
    """The layers from the last block to the output, at least the last two; batch norms count with what they scale.

    A block is marked by what no plain chain has: a value that several branches meet in (a skip connection, a concat),
    or a depthwise convolution. It begins at the last value before the mark through which every path from the input
    to the output leads. So it is a whole residual block, or a depthwise-separable one.
    """
    marks = [number for number, node in enumerate(program.nodes) if _marks_a_block(node)]
    nodes = program.nodes[last_meeting(program, marks[-1]) :] if marks else ()
    layers = trained_layers(program)
    block = tuple(layer for layer in layers if layer[0] in nodes)
    return tuple(node for layer in (block if len(block) > 2 else layers[-2:]) for node in layer)


def _marks_a_block(node: Node) -> bool:
    depthwise = isinstance(node.op, Conv2d | Conv2dMaxPool) and node.op.per_channel
    return isinstance(node.op, JoinOp) or depthwise
