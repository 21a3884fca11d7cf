"""Which kernels each operator runs forward and backward: two explicit tables, operator → calls."""

from collections.abc import Callable

from tinyprop.codegen.call import Call, Pass
from tinyprop.codegen.conv2d_calls import conv2d_backward_calls, conv2d_forward_calls
from tinyprop.codegen.literals import c_flag, c_struct, c_uint
from tinyprop.codegen.places import Places
from tinyprop.codegen.shape_names import cross, joined, word_if
from tinyprop.ir.graph import Node
from tinyprop.ir.op import Op
from tinyprop.ir.ops.add import Add
from tinyprop.ir.ops.conv2d import Conv2d
from tinyprop.ir.ops.conv2d_max_pool import Conv2dMaxPool
from tinyprop.ir.ops.dense import Dense
from tinyprop.ir.ops.flatten import Flatten
from tinyprop.ir.ops.max_pool2d import MaxPool2d
from tinyprop.ir.ops.relu import ReLU
from tinyprop.ir.train_program import AddErrorStep, BackwardStep, PassErrorStep

Argument = Pass | str


def forward_calls(places: Places, node: Node) -> list[Call]:
    """What computes the output of `node`; empty where its input already is its output."""
    return FORWARD[type(node.op)](places, node)


def pass_error_calls(places: Places, step: PassErrorStep) -> list[Call]:
    """What sends an error through an operator without parameters."""
    return PASS_ERROR[type(step.node.op)](places, step)


def add_error_call(places: Places, step: AddErrorStep) -> Call:
    """One error added to another of the same value."""
    size = places.train.program.values[step.value].size
    target = places.error(step.value, "y")
    return Call(
        "tp_add_f32", str(size), (_const(target, "a"), _const(places.error(step.slot), "b"), target, c_uint(size))
    )


def copy_call(source: Pass, target: Pass, size: int) -> Call:
    """A value copied, where what overwrites it and what still reads it both need it."""
    return Call("tp_copy_f32", str(size), (source, target, c_uint(size)))


def backward_calls(places: Places, step: BackwardStep) -> list[Call]:
    """What propagates the selected error of a layer and updates its parameters."""
    return BACKWARD[type(step.node.op)](places, step)


def mask_output_call(places: Places, node: Node) -> Call:
    """A layer's own ReLU, applied to the error that arrives from an operator that cannot do so itself."""
    return _relu_bwd(places, node)


def _dense_fwd(places: Places, node: Node) -> list[Call]:
    op: Dense = node.op  # type: ignore[assignment]
    skip = places.train.spec.skips_inputs
    weight, bias = places.parameters(node, const=True)
    literals = (c_uint(op.inputs), c_uint(op.outputs), c_flag(op.relu), c_flag(skip))
    shape = joined(op.inputs, op.outputs, word_if(op.relu, "relu"), word_if(not op.bias, "nobias"))
    arguments = (places.read(node.input), weight, bias, places.write(node.output), *literals)
    return [Call("tp_dense_fwd_f32", shape, arguments)]


def _dense_bwd(places: Places, step: BackwardStep) -> list[Call]:
    node, op = step.node, step.node.op
    assert isinstance(op, Dense)
    skip = places.train.spec.skips_inputs
    shape = joined(op.inputs, op.outputs, word_if(step.mask_input, "masked"), word_if(not op.bias, "nobias"))
    sizes = (c_uint(op.inputs), c_uint(op.outputs))
    tail = (c_flag(step.mask_input), c_flag(skip))
    if step.selection is None:
        assert step.slot is not None
        frozen_weight = places.parameters(node, const=True)[0]
        frozen = (places.overwrite(step.slot), places.delta(node, const=True), frozen_weight)
        copied = _copied_input(places, step) if step.mask_input else []
        return [*copied, Call("tp_dense_error_f32", shape, (*frozen, *sizes, *tail))]
    weight, bias = places.parameters(node)
    columns = places.scratch(node, "tp_index")
    kept: Argument = c_uint(op.outputs)
    if places.train.spec.skip_zeros:
        kept = Pass("uint32_t", "kept", f"kept{step.layer}")
    common = (places.delta(node), weight, bias, columns, places.rate, *sizes, kept)
    if step.slot is None:
        return [Call("tp_dense_update_f32", shape, (places.read(node.input), *common, c_flag(skip)))]
    return [
        *_copied_input(places, step),
        Call("tp_dense_bwd_f32", shape, (places.overwrite(step.slot), *common, *tail)),
    ]


def _copied_input(places: Places, step: BackwardStep) -> list[Call]:
    """The dense kernels turn an activation into its error in place: a copy, where others still need the activation."""
    assert step.slot is not None
    source, target = places.read(step.node.input), places.error(step.slot, "y")
    if source.text == target.text:
        return []
    return [copy_call(source, target, places.train.program.value_in(step.node).size)]


def _relu_fwd(places: Places, node: Node) -> list[Call]:
    size = places.train.program.value_out(node).size
    return [Call("tp_relu_fwd_f32", str(size), (places.read(node.input), places.write(node.output), c_uint(size)))]


def _relu_bwd(places: Places, node: Node) -> Call:
    size = places.train.program.value_out(node).size
    return Call("tp_relu_bwd_f32", str(size), (places.delta(node), places.read(node.output), c_uint(size)))


def _pass_relu(places: Places, step: PassErrorStep) -> list[Call]:
    return [] if step.masked else [_relu_bwd(places, step.node)]


def _add_fwd(places: Places, node: Node) -> list[Call]:
    size = places.train.program.value_out(node).size
    inputs = (places.read(node.inputs[0], "a"), places.read(node.inputs[1], "b"))
    return [Call("tp_add_f32", str(size), (*inputs, places.write(node.output), c_uint(size)))]


def _pass_add(places: Places, step: PassErrorStep) -> list[Call]:
    """One input takes the error's own place; any other gets a copy."""
    size = places.train.program.value_out(step.node).size
    source = _const(places.delta(step.node), "x")
    targets = [places.error(slot, "y") for slot in step.slots if slot is not None]
    return [copy_call(source, target, size) for target in targets if target.text != source.text]


def _max_pool2d_fwd(places: Places, node: Node) -> list[Call]:
    geometry, shape = _max_pool_struct(places, node)
    argmax = places.argmax(node)
    name = joined(shape, word_if(argmax == "NULL", "inference"))
    return [Call("tp_max_pool2d_fwd_f32", name, (places.read(node.input), places.write(node.output), argmax, geometry))]


def _max_pool2d_bwd(places: Places, step: PassErrorStep) -> list[Call]:
    node = step.node
    geometry, shape = _max_pool_struct(places, node)
    error = places.error(step.slots[0] or "")
    arguments = (places.delta(node, const=True), places.argmax(node, const=True), error, geometry)
    return [Call("tp_max_pool2d_bwd_f32", shape, arguments)]


def _nothing(places: Places, step: Node | PassErrorStep) -> list[Call]:
    return []


FORWARD: dict[type[Op], Callable[[Places, Node], list[Call]]] = {
    Dense: _dense_fwd,
    Conv2d: conv2d_forward_calls,
    Conv2dMaxPool: conv2d_forward_calls,
    ReLU: _relu_fwd,
    MaxPool2d: _max_pool2d_fwd,
    Flatten: _nothing,
    Add: _add_fwd,
}

PASS_ERROR: dict[type[Op], Callable[[Places, PassErrorStep], list[Call]]] = {
    Add: _pass_add,
    ReLU: _pass_relu,
    MaxPool2d: _max_pool2d_bwd,
    Flatten: _nothing,
}

BACKWARD: dict[type[Op], Callable[[Places, BackwardStep], list[Call]]] = {
    Dense: _dense_bwd,
    Conv2d: conv2d_backward_calls,
    Conv2dMaxPool: conv2d_backward_calls,
}


def _const(argument: Pass, name: str) -> Pass:
    """The same place, for reading only."""
    return Pass("const float *", name, argument.text)


def _max_pool_struct(places: Places, node: Node) -> tuple[str, str]:
    op: MaxPool2d = node.op  # type: ignore[assignment]
    before, after = places.train.program.value_in(node).shape, places.train.program.value_out(node).shape
    windows = (*op.kernel, *op.stride, *op.padding)
    name = joined(cross(before), f"k{cross(op.kernel)}", f"s{cross(op.stride)}", f"p{cross(op.padding)}")
    return c_struct("tp_max_pool2d", *before, *after[1:], *windows), name
