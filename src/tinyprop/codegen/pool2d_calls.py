"""The kernels of pools that stand alone."""

from tinyprop.codegen.call import Call
from tinyprop.codegen.literals import c_flag, c_struct
from tinyprop.codegen.places import Places
from tinyprop.codegen.shape_names import cross, joined, word_if
from tinyprop.ir.graph import Node
from tinyprop.ir.ops.avg_pool2d import AvgPool2d
from tinyprop.ir.ops.max_pool2d import MaxPool2d
from tinyprop.ir.train_program import PassErrorStep


def max_pool2d_forward_calls(places: Places, node: Node) -> list[Call]:
    """The largest of each window, and which it was where the backward pass will ask."""
    geometry, shape = _geometry(places, node)
    argmax = places.argmax(node)
    name = joined(shape, word_if(argmax == "NULL", "inference"))
    return [Call("tp_max_pool2d_fwd_f32", name, (places.read(node.input), places.write(node.output), argmax, geometry))]


def max_pool2d_error_calls(places: Places, step: PassErrorStep) -> list[Call]:
    """The error to the inputs that won."""
    geometry, shape = _geometry(places, step.node)
    above = (places.delta(step.node, const=True), places.argmax(step.node, const=True))
    return [Call("tp_max_pool2d_bwd_f32", shape, (*above, places.error(step.slots[0] or ""), geometry))]


def avg_pool2d_forward_calls(places: Places, node: Node) -> list[Call]:
    """The mean of each window."""
    literals, shape = _avg_pool2d_literals(places, node)
    return [Call("tp_avg_pool2d_fwd_f32", shape, (places.read(node.input), places.write(node.output), *literals))]


def avg_pool2d_error_calls(places: Places, step: PassErrorStep) -> list[Call]:
    """The error in equal shares to all inputs of a window."""
    literals, shape = _avg_pool2d_literals(places, step.node)
    above, below = places.delta(step.node, const=True), places.error(step.slots[0] or "")
    return [Call("tp_avg_pool2d_bwd_f32", shape, (above, below, *literals))]


def _avg_pool2d_literals(places: Places, node: Node) -> tuple[tuple[str, str], str]:
    assert isinstance(node.op, AvgPool2d)
    geometry, shape = _geometry(places, node)
    return (geometry, c_flag(node.op.count_padding)), joined(shape, word_if(not node.op.count_padding, "inside"))


def _geometry(places: Places, node: Node) -> tuple[str, str]:
    """The literal, and what names the small function."""
    op = node.op
    assert isinstance(op, AvgPool2d | MaxPool2d)
    before, after = places.train.program.value_in(node).shape, places.train.program.value_out(node).shape
    name = joined(cross(before), f"k{cross(op.kernel)}", f"s{cross(op.stride)}", f"p{cross(op.padding)}")
    return c_struct("tp_pool2d", *before, *after[1:], *op.kernel, *op.stride, *op.padding), name
