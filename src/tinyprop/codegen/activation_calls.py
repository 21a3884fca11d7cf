"""The kernels of activations: the forward one may overwrite its input, the backward one scales the error in place."""

import numpy as np

from tinyprop.codegen.call import Call
from tinyprop.codegen.literals import c_float, c_uint
from tinyprop.codegen.places import Places
from tinyprop.codegen.shape_names import joined
from tinyprop.ir.graph import Node
from tinyprop.ir.ops.activation import Activation
from tinyprop.ir.train_program import PassErrorStep


def activation_forward_calls(places: Places, node: Node) -> list[Call]:
    """y from x."""
    literals, shape = _literals(places, node)
    return [Call(f"tp_{node.op.kind}_fwd_f32", shape, (places.read(node.input), places.write(node.output), *literals))]


def activation_error_calls(places: Places, step: PassErrorStep) -> list[Call]:
    """The error below from the one above and x or y; none where the layer above has done it."""
    if step.masked:
        return []
    node, op = step.node, step.node.op
    assert isinstance(op, Activation)
    literals, shape = _literals(places, node)
    known = places.read(node.input) if op.backward_reads_input else places.read(node.output, "y")
    return [Call(f"tp_{op.kind}_bwd_f32", shape, (places.delta(node), known, *literals))]


def mask_output_call(places: Places, node: Node) -> Call:
    """A layer's own ReLU, applied to the error that arrives from an operator that cannot do so itself."""
    size = places.train.program.value_out(node).size
    return Call("tp_relu_bwd_f32", str(size), (places.delta(node), places.read(node.output, "y"), c_uint(size)))


def _literals(places: Places, node: Node) -> tuple[tuple[str, ...], str]:
    """The settings and the size, and what names the small function: the size and the bits of the settings."""
    assert isinstance(node.op, Activation)
    size = places.train.program.value_out(node).size
    settings = [np.float32(value) for value in node.op.settings]
    words = (f"{value.view(np.uint32):08x}" for value in settings)
    return (*(c_float(value) for value in settings), c_uint(size)), joined(size, *words)
