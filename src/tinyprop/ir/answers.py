"""What a neuron answers: a layer's output as those behind it read it, through a ReLU and a max pool that alone do."""

from tinyprop.ir.graph import Node, Program
from tinyprop.ir.ops.conv2d_max_pool import Conv2dMaxPool
from tinyprop.ir.ops.max_pool2d import MaxPool2d
from tinyprop.ir.ops.relu import ReLU
from tinyprop.ir.ops.reshape import Reshape


def answering(program: Program, layer: Node) -> Node:
    """The node whose output is what `layer` answers: a ReLU, a tiling max pool and a ReLU are passed, where they are.

    The same whether they are fused with the layer or not, so that it means in PyTorch what it means here.
    """
    found, kinds = layer, [ReLU, MaxPool2d, ReLU]
    reader = _lone_reader(program, layer)
    while reader is not None:
        if isinstance(reader.op, Reshape):
            before, after = program.value_in(reader), program.value_out(reader)
            if before.channels != after.channels:  # no longer one channel for each neuron
                break
        else:
            kind = type(reader.op)
            if kind not in kinds or (isinstance(reader.op, MaxPool2d) and not Conv2dMaxPool.can_fuse(reader.op)):
                break
            kinds = kinds[kinds.index(kind) + 1 :]
            found = reader
        reader = _lone_reader(program, reader)
    return found


def _lone_reader(program: Program, node: Node) -> Node | None:
    """The node that alone reads the output of `node`, if there is one and the output is not the network's."""
    readers = [other for other in program.nodes if node.output in other.inputs]
    return readers[0] if len(readers) == 1 and node.output != program.output.name else None
