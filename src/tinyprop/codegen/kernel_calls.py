"""Which kernels each operator runs forward and backward: two explicit tables, operator → calls."""

from collections.abc import Callable

from tinyprop.codegen.call import Call, Pass
from tinyprop.codegen.literals import c_struct, c_uint
from tinyprop.codegen.places import Places
from tinyprop.ir.graph import Node
from tinyprop.ir.op import Op, Shape
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
    literals = (c_uint(op.inputs), c_uint(op.outputs), _flag(op.relu), _flag(skip))
    shape = _join(op.inputs, op.outputs, _word(op.relu, "relu"), _word(not op.bias, "nobias"))
    arguments = (places.read(node.input), weight, bias, places.write(node.output), *literals)
    return [Call("tp_dense_fwd_f32", shape, arguments)]


def _dense_bwd(places: Places, step: BackwardStep) -> list[Call]:
    node, op = step.node, step.node.op
    assert isinstance(op, Dense)
    skip = places.train.spec.skips_inputs
    shape = _join(op.inputs, op.outputs, _word(step.mask_input, "masked"), _word(not op.bias, "nobias"))
    sizes = (c_uint(op.inputs), c_uint(op.outputs))
    tail = (_flag(step.mask_input), _flag(skip))
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
        return [Call("tp_dense_update_f32", shape, (places.read(node.input), *common, _flag(skip)))]
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


def _conv2d_fwd(places: Places, node: Node) -> list[Call]:
    conv, pool = _conv_and_pool(node.op)
    weight, bias = places.parameters(node, const=True)
    geometry = _conv_struct(conv, places.train.program.value_in(node).shape)
    common = (places.read(node.input), weight, bias, places.write(node.output))
    shape = _conv_shape(conv, pool, places, node)
    if pool is None:
        return [Call("tp_conv2d_fwd_f32", shape, (*common, geometry, _flag(conv.relu)))]
    argmax = places.argmax(node)
    shape = _join(shape, _word(argmax == "NULL", "inference"))
    if _blocked(node.op):
        flags = (_flag(conv.relu), _flag(argmax != "NULL"))
        return [Call("tp_conv2d_max_pool_fwd_f32_k3p1w2", shape, (*common, argmax, geometry, *flags))]
    return [
        Call("tp_conv2d_max_pool_fwd_f32", shape, (*common, argmax, geometry, _pool_struct(pool), _flag(conv.relu)))
    ]


def _conv2d_bwd(places: Places, step: BackwardStep) -> list[Call]:
    calls = []
    if step.slot is not None:
        calls.append(_conv2d_error(places, step, step.slot))
    if step.selection is not None:
        calls.append(_conv2d_update(places, step))
    return calls


def _conv2d_error(places: Places, step: BackwardStep, slot: str) -> Call:
    node = step.node
    conv, pool = _conv_and_pool(node.op)
    geometry = _conv_struct(conv, places.train.program.value_in(node).shape)
    shape = _join(_conv_shape(conv, pool, places, node), _word(step.mask_input, "masked"))
    weight = places.parameters(node, const=True)[0]
    tail = (_flag(step.mask_input), _flag(places.train.spec.skip_zeros))
    arguments: tuple[Argument, ...] = (*_conv_sources(places, node), weight, places.error(slot))
    if _blocked(node.op):
        scratch = places.scratch(node, "tp_kept")
        return Call("tp_conv2d_error_f32_k3p1w2", shape, (*arguments, scratch, geometry, *tail))
    return Call("tp_conv2d_error_f32", shape, (*arguments, geometry, _pool_struct(pool), *tail))


def _conv2d_update(places: Places, step: BackwardStep) -> Call:
    node = step.node
    conv, pool = _conv_and_pool(node.op)
    geometry = _conv_struct(conv, places.train.program.value_in(node).shape)
    shape = _conv_shape(conv, pool, places, node)
    skip = _flag(places.train.spec.skip_zeros)
    arguments: tuple[Argument, ...] = (*_conv_sources(places, node), *places.parameters(node))
    if _blocked(node.op):
        scratch = places.scratch(node, "tp_kept_at")
        return Call("tp_conv2d_update_f32_k3p1w2", shape, (*arguments, scratch, places.rate, geometry, skip))
    scratch = places.scratch(node, "float")
    return Call("tp_conv2d_update_f32", shape, (*arguments, scratch, places.rate, geometry, _pool_struct(pool), skip))


def _conv_sources(places: Places, node: Node) -> tuple[Argument, ...]:
    return places.read(node.input), places.delta(node, const=True), places.argmax(node, const=True)


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
    name = _join(shape, _word(argmax == "NULL", "inference"))
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
    Conv2d: _conv2d_fwd,
    Conv2dMaxPool: _conv2d_fwd,
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
    Conv2d: _conv2d_bwd,
    Conv2dMaxPool: _conv2d_bwd,
}


def _conv_and_pool(op: Op) -> tuple[Conv2d, MaxPool2d | None]:
    if isinstance(op, Conv2dMaxPool):
        return op.conv, op.pool
    assert isinstance(op, Conv2d)
    return op, None


def _const(argument: Pass, name: str) -> Pass:
    """The same place, for reading only."""
    return Pass("const float *", name, argument.text)


def _blocked(op: Op) -> bool:
    return isinstance(op, Conv2dMaxPool) and op.blocked


def _conv_struct(conv: Conv2d, shape: Shape) -> str:
    out = conv.output_shape(shape)
    return c_struct("tp_conv2d", *shape, *out, *conv.kernel, *conv.stride, *conv.padding)


def _pool_struct(pool: MaxPool2d | None) -> str:
    return c_struct("tp_pool", *(pool.kernel if pool else (1, 1)))


def _conv_shape(conv: Conv2d, pool: MaxPool2d | None, places: Places, node: Node) -> str:
    size = _cross(places.train.program.value_in(node).shape)
    parts = [size, conv.out_channels, f"k{_cross(conv.kernel)}", f"s{_cross(conv.stride)}", f"p{_cross(conv.padding)}"]
    pooled = f"pool{_cross(pool.kernel)}" if pool else ""
    return _join(*parts, pooled, _word(conv.relu, "relu"), _word(not conv.bias, "nobias"))


def _max_pool_struct(places: Places, node: Node) -> tuple[str, str]:
    op: MaxPool2d = node.op  # type: ignore[assignment]
    before, after = places.train.program.value_in(node).shape, places.train.program.value_out(node).shape
    windows = (*op.kernel, *op.stride, *op.padding)
    name = _join(_cross(before), f"k{_cross(op.kernel)}", f"s{_cross(op.stride)}", f"p{_cross(op.padding)}")
    return c_struct("tp_max_pool2d", *before, *after[1:], *windows), name


def _cross(sizes: tuple[int, ...]) -> str:
    return "x".join(map(str, sizes))


def _join(*parts: object) -> str:
    return "_".join(str(part) for part in parts if part != "")


def _word(condition: bool, word: str) -> str:
    return word if condition else ""


def _flag(condition: bool) -> str:
    return "1" if condition else "0"
