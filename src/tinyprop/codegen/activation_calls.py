"""The kernels of activations: the forward one may overwrite its input, the backward one scales the error in place."""

import numpy as np

from tinyprop.codegen.call import Call
from tinyprop.codegen.literals import c_float, c_uint
from tinyprop.codegen.places import Places
from tinyprop.codegen.shape_names import joined
from tinyprop.ir.graph import Node
from tinyprop.ir.ops.activation import Activation
from tinyprop.ir.ops.clamp import Clamp
from tinyprop.ir.ops.leaky_relu import LeakyReLU
from tinyprop.ir.train_program import BackwardStep, PassErrorStep


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
    if step.packed is not None:
        if not isinstance(op, LeakyReLU):
            return [packed_relu_call(places, node.output, step.packed)]
        mask = places.mask(step.packed)
        return [Call("tp_leaky_relu_bwd_f32_packed", shape, (places.delta(node), mask, *literals))]
    known = places.read(node.input) if op.backward_reads_input else places.read(node.output, "y")
    return [Call(f"tp_{op.kind}_bwd_f32", shape, (places.delta(node), known, *literals))]


def mask_output_call(places: Places, step: BackwardStep) -> Call:
    """A layer's own ReLU, applied to the error that arrives from an operator that cannot do so itself."""
    node = step.node
    if step.packed_output is not None:
        return packed_relu_call(places, node.output, step.packed_output)
    size = places.train.program.value_out(node).size
    return Call("tp_relu_bwd_f32", str(size), (places.delta(node), places.read(node.output, "y"), c_uint(size)))


def packed_relu_call(places: Places, slot: str, mask: str) -> Call:
    """The error `slot` zeroed where the bits of `mask` say so."""
    size = places.train.program.values[mask].size
    return Call("tp_relu_bwd_f32_packed", str(size), (places.error(slot), places.mask(mask), c_uint(size)))


def pack_mask_call(places: Places, node: Node) -> Call:
    """The bits of the output of `node`: where it lets errors pass."""
    size = places.train.program.value_out(node).size
    given = (places.read(node.output, "y"), places.mask(node.output, const=False))
    if isinstance(node.op, Clamp):
        literals, shape = _literals(places, node)
        return Call("tp_clamp_pack_f32", shape, (*given, *literals))
    return Call("tp_relu_pack_f32", str(size), (*given, c_uint(size)))


def _literals(places: Places, node: Node) -> tuple[tuple[str, ...], str]:
    """The settings and the size, and what names the small function: the size and the bits of the settings."""
    assert isinstance(node.op, Activation)
    size = places.train.program.value_out(node).size
    settings = [np.float32(value) for value in node.op.settings]
    words = (f"{value.view(np.uint32):08x}" for value in settings)
    return (*(c_float(value) for value in settings), c_uint(size)), joined(size, *words)
