"""The common choices of what trains: one table, name → what it picks of a program."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tinyprop.ir.graph import Node, Program
from tinyprop.ir.op import JoinOp
from tinyprop.ir.ops.conv2d import Conv2d
from tinyprop.ir.ops.conv2d_max_pool import Conv2dMaxPool
from tinyprop.ir.ops.scale_shift import ScaleShift


@dataclass(frozen=True)
class Choice:
    """summary: one line for users; parameters: the names of what trains of a fused program, maybe none."""

    summary: str
    parameters: Callable[[Program], tuple[str, ...]]


def _all(program: Program) -> tuple[str, ...]:
    return tuple(name for node in program.layers for name in node.trained)


def _last_layer(program: Program) -> tuple[str, ...]:
    return _layers_that_train(program)[-1].trained


def _last_block(program: Program) -> tuple[str, ...]:
    return tuple(name for node in last_block(program) for name in node.trained)


def _biases(program: Program) -> tuple[str, ...]:
    return tuple(name for node in program.layers for name in node.trained[1:])


def _batch_norms(program: Program) -> tuple[str, ...]:
    return tuple(name for node in program.layers if isinstance(node.op, ScaleShift) for name in node.trained)


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
    """The layers from the last block to the output, at least the last two.

    A block is marked by what no plain chain has: a value that several branches meet in (a skip connection, a concat),
    or a depthwise convolution. It begins at the last value before the mark through which every path from the input
    to the output leads. So it is a whole residual block, or a depthwise-separable one.
    """
    marks = [number for number, node in enumerate(program.nodes) if _marks_a_block(node)]
    nodes = program.nodes[_last_meeting(program, marks[-1]) :] if marks else ()
    layers = _layers_that_train(program)
    block = tuple(node for node in layers if node in nodes)
    return block if len(block) > 2 else layers[-2:]


def _layers_that_train(program: Program) -> tuple[Node, ...]:
    return tuple(node for node in program.layers if node.trained)


def _marks_a_block(node: Node) -> bool:
    conv = node.op.conv if isinstance(node.op, Conv2dMaxPool) else node.op
    return isinstance(conv, JoinOp) or (isinstance(conv, Conv2d) and 1 < conv.groups == conv.in_channels)


def _last_meeting(program: Program, mark: int) -> int:
    """The last position, not behind node number `mark`, where one value is all that the nodes from there on read."""
    written = {program.input.name: 0, **{node.output: number + 1 for number, node in enumerate(program.nodes)}}

    def read_across(position: int) -> set[str]:
        return {name for node in program.nodes[position:] for name in node.inputs if written[name] <= position}

    return max(position for position in range(mark + 1) if len(read_across(position)) == 1)
