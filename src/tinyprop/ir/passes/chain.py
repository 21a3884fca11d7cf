"""How a pass rewrites a program: it looks at neighbours in the chain and answers what stands in their place, or whether
they change it."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from tinyprop.ir.graph import Node, Program
from tinyprop.ir.op import Op, Shape

Fuse = Callable[[Op, Op, Shape], Op | None]
MaySwap = Callable[[Op, Op], bool]


def fuse_pairs(program: Program, fuse: Fuse) -> Program:
    """`program` with each pair of neighbours replaced by `fuse(first, second, shape)`, where that is not None.

    shape: of what the first one reads. A pair is fused only if nothing else reads the value between them. The fused
    node keeps the first one's name and parameters and writes the second one's output.
    """
    readers = _count_readers(program)
    nodes: list[Node] = []
    for node in program.nodes:
        before = nodes[-1] if nodes else None
        if before is not None and _alone_reads(node, before, readers):
            fused = fuse(before.op, node.op, program.value_in(before).shape)
            if fused is not None:
                nodes[-1] = replace(before, op=fused, output=node.output)
                continue
        nodes.append(node)
    return _with_nodes(program, nodes)


def swap_pairs(program: Program, may_swap: MaySwap) -> Program:
    """`program` with the neighbours for which `may_swap(first, second)` holds in the other order.

    A pair changes places only if nothing else reads the value between them, which gets the shape that the second one
    makes of what the first one read.
    """
    readers = _count_readers(program)
    nodes: list[Node] = []
    values = dict(program.values)
    for node in program.nodes:
        before = nodes[-1] if nodes else None
        if before is not None and _alone_reads(node, before, readers) and may_swap(before.op, node.op):
            between = values[before.output]
            shape = node.op.shape_after((values[before.input].shape,))
            values[between.name] = replace(between, shape=shape)
            nodes[-1] = replace(node, inputs=before.inputs, output=between.name)
            node = replace(before, inputs=(between.name,), output=node.output)
        nodes.append(node)
    return _with_nodes(replace(program, values=values), nodes)


def _alone_reads(node: Node, before: Node, readers: dict[str, int]) -> bool:
    """Whether `node` reads what `before` writes, and nothing else does either."""
    return node.inputs == (before.output,) and readers[node.input] == 1


def _count_readers(program: Program) -> dict[str, int]:
    """How often each value is read; leaving the program counts as being read."""
    readers = dict.fromkeys(program.values, 0)
    for name in [*(name for node in program.nodes for name in node.inputs), program.output.name]:
        readers[name] += 1
    return readers


def _with_nodes(program: Program, nodes: Iterable[Node]) -> Program:
    """`program` with other nodes, without the values that none of them writes any more."""
    nodes = tuple(nodes)
    names = [program.input.name, *(node.output for node in nodes)]
    return replace(program, nodes=nodes, values={name: program.values[name] for name in names})
