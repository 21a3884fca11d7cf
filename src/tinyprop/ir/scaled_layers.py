"""Layers and the batch norms that scale them: both together are what a network's author counts as one layer."""

from tinyprop.ir.graph import Node, Program
from tinyprop.ir.op import LayerOp
from tinyprop.ir.ops.scale_shift import ScaleShift


def scaled_by(program: Program, node: Node) -> Node | None:
    """The batch norm that alone reads what the layer `node` computes, before any ReLU."""
    readers = [reader for reader in program.nodes if node.output in reader.inputs]
    alone = len(readers) == 1 and isinstance(readers[0].op, ScaleShift) and node.output != program.output.name
    return readers[0] if alone and isinstance(node.op, LayerOp) and not node.op.relu else None


def trained_layers(program: Program) -> tuple[tuple[Node, ...], ...]:
    """The layers that can train, in forward order, each with the batch norm that scales it where that can train."""
    groups: list[tuple[Node, ...]] = []
    for node in program.layers:
        if node.trained and not any(node in group for group in groups):
            norm = scaled_by(program, node)
            groups.append((node, norm) if norm is not None and norm.trained else (node,))
    return tuple(groups)
