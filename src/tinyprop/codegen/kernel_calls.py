"""Which kernels each operator runs forward and backward: two explicit tables, operator → calls."""

from collections.abc import Callable

from tinyprop.codegen.activation_calls import activation_error_calls, activation_forward_calls
from tinyprop.codegen.bias_calls import bias_calls
from tinyprop.codegen.call import Call, Pass
from tinyprop.codegen.conv2d_calls import conv2d_backward_calls, conv2d_forward_calls
from tinyprop.codegen.join_calls import (
    add_error_calls,
    add_forward_calls,
    concat_error_calls,
    concat_forward_calls,
    copy_call,
)
from tinyprop.codegen.literals import c_flag, c_uint
from tinyprop.codegen.places import Places
from tinyprop.codegen.pool2d_calls import (
    avg_pool2d_error_calls,
    avg_pool2d_forward_calls,
    max_pool2d_error_calls,
    max_pool2d_forward_calls,
)
from tinyprop.codegen.scale_shift_calls import scale_shift_backward_calls, scale_shift_forward_calls
from tinyprop.codegen.shape_names import joined, word_if
from tinyprop.ir.graph import Node
from tinyprop.ir.op import Op
from tinyprop.ir.ops import (
    ACTIVATIONS,
    Add,
    AvgPool2d,
    Concat,
    Conv2d,
    Conv2dMaxPool,
    Dense,
    MaxPool2d,
    Reshape,
    ScaleShift,
)
from tinyprop.ir.train_program import BackwardStep, PassErrorStep

Argument = Pass | str


def forward_calls(places: Places, node: Node) -> list[Call]:
    """What computes the output of `node`; empty where its input already is its output."""
    return FORWARD[type(node.op)](places, node)


def pass_error_calls(places: Places, step: PassErrorStep) -> list[Call]:
    """What sends an error through an operator without parameters."""
    return PASS_ERROR[type(step.node.op)](places, step)


def backward_calls(places: Places, step: BackwardStep) -> list[Call]:
    """What propagates the selected error of a layer and updates its parameters."""
    return BACKWARD[type(step.node.op)](places, step)


def _dense_fwd(places: Places, node: Node) -> list[Call]:
    op: Dense = node.op  # type: ignore[assignment]
    skip = places.train.skips_zeros_in(node)
    weight, bias = places.parameters(node)
    literals = (c_uint(op.inputs), c_uint(op.outputs), c_flag(op.relu), c_flag(skip))
    words = (word_if(op.relu, "relu"), word_if(not op.bias, "nobias"), word_if(skip, "sparse"))
    shape = joined(op.inputs, op.outputs, *words)
    arguments = (places.read(node.input), weight, bias, places.write(node.output), *literals)
    return [Call("tp_dense_fwd_f32", shape, arguments)]


def _dense_bwd(places: Places, step: BackwardStep) -> list[Call]:
    node, op = step.node, step.node.op
    assert isinstance(op, Dense)
    if not step.learns_weight:
        error = _dense_error(places, step, op, step.slot) if step.slot is not None else []
        return [*error, *bias_calls(places, step)]
    skip = places.train.skips_zeros_in(node)
    weight, bias = places.learning(step)
    words = (word_if(step.mask_input, "masked"), word_if(bias == "NULL", "nobias"), word_if(skip, "sparse"))
    shape = joined(op.inputs, op.outputs, *words)
    sizes = (c_uint(op.inputs), c_uint(op.outputs))
    columns = places.scratch(node, "tp_index")
    kept: Argument = c_uint(op.outputs)
    if places.train.skips_zeros_of(step):
        kept = Pass("uint32_t", "kept", f"kept{step.layer}")
    else:
        shape = joined(shape, "all")
    common = (places.delta(node), weight, bias, columns, places.rate, *sizes, kept)
    if step.slot is None:
        return [Call("tp_dense_update_f32", shape, (places.read(node.input), *common, c_flag(skip)))]
    return [
        *_copied_input(places, step),
        Call("tp_dense_bwd_f32", shape, (places.overwrite(step.slot), *common, c_flag(step.mask_input), c_flag(skip))),
    ]


def _dense_error(places: Places, step: BackwardStep, op: Dense, slot: str) -> list[Call]:
    """The error alone, where the weight stays as it is."""
    delta, weight = places.delta(step.node, const=True), places.parameters(step.node)[0]
    sizes, skips = (c_uint(op.inputs), c_uint(op.outputs)), places.train.skips_zeros_in(step.node)
    words = (word_if(step.mask_input, "masked"), word_if(not op.bias, "nobias"), word_if(skips, "sparse"))
    shape, skip = joined(op.inputs, op.outputs, *words), c_flag(skips)
    if step.packed_input is not None:
        given = (places.error(slot), delta, places.mask(step.packed_input), weight)
        return [Call("tp_dense_error_f32_packed", shape, (*given, *sizes, skip))]
    copied = _copied_input(places, step) if step.mask_input else []
    arguments = (places.overwrite(slot), delta, weight, *sizes, c_flag(step.mask_input), skip)
    return [*copied, Call("tp_dense_error_f32", shape, arguments)]


def _copied_input(places: Places, step: BackwardStep) -> list[Call]:
    """The dense kernels turn an activation into its error in place: a copy, where others still need the activation."""
    assert step.slot is not None
    source, target = places.read(step.node.input), places.error(step.slot, "y")
    if source.text == target.text:
        return []
    size = places.train.program.value_in(step.node).size
    return [copy_call(source, target, size)]


def _nothing(places: Places, step: Node | PassErrorStep) -> list[Call]:
    return []


FORWARD: dict[type[Op], Callable[[Places, Node], list[Call]]] = {
    **dict.fromkeys(ACTIVATIONS, activation_forward_calls),
    Add: add_forward_calls,
    AvgPool2d: avg_pool2d_forward_calls,
    Concat: concat_forward_calls,
    Conv2d: conv2d_forward_calls,
    Conv2dMaxPool: conv2d_forward_calls,
    Dense: _dense_fwd,
    MaxPool2d: max_pool2d_forward_calls,
    Reshape: _nothing,
    ScaleShift: scale_shift_forward_calls,
}

PASS_ERROR: dict[type[Op], Callable[[Places, PassErrorStep], list[Call]]] = {
    **dict.fromkeys(ACTIVATIONS, activation_error_calls),
    Add: add_error_calls,
    AvgPool2d: avg_pool2d_error_calls,
    Concat: concat_error_calls,
    MaxPool2d: max_pool2d_error_calls,
    Reshape: _nothing,
}

BACKWARD: dict[type[Op], Callable[[Places, BackwardStep], list[Call]]] = {
    Dense: _dense_bwd,
    Conv2d: conv2d_backward_calls,
    Conv2dMaxPool: conv2d_backward_calls,
    ScaleShift: scale_shift_backward_calls,
}
