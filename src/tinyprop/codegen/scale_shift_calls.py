"""Which kernels a batch norm with fixed statistics runs."""

from math import prod

from tinyprop.codegen.activation_calls import packed_relu_call
from tinyprop.codegen.bias_calls import bias_calls
from tinyprop.codegen.call import Call, Pass
from tinyprop.codegen.literals import c_flag, c_uint
from tinyprop.codegen.places import Places
from tinyprop.codegen.shape_names import joined, word_if
from tinyprop.ir.graph import Node
from tinyprop.ir.ops.scale_shift import ScaleShift
from tinyprop.ir.train_program import BackwardStep


def scale_shift_forward_calls(places: Places, node: Node) -> list[Call]:
    """y from x, which it may overwrite."""
    op = _op(node)
    sizes, shape = _sizes(places, node)
    given = (places.read(node.input), *_trained(places, node), *_statistics(places, node), places.write(node.output))
    return [Call("tp_scale_shift_fwd_f32", joined(shape, word_if(op.relu, "relu")), (*given, *sizes, c_flag(op.relu)))]


def scale_shift_backward_calls(places: Places, step: BackwardStep) -> list[Call]:
    """One pass for error and update where both are wanted; the error overwrites δ unless an update still needs it."""
    if not step.learns_weight:
        return [*bias_calls(places, step), *(_error_calls(places, step, step.slot) if step.slot is not None else [])]
    node = step.node
    weight, bias = places.learning(step)
    sizes, shape = _sizes(places, node)
    shape = joined(shape, word_if(bias == "NULL", "nobias"))
    skip = c_flag(places.train.spec.skip_zeros)
    delta = places.delta(node, const=step.slot is None)
    given = (places.read(node.input), delta, weight, bias, *_statistics(places, node), places.rate, *sizes)
    if step.slot is None:
        return [Call("tp_scale_shift_update_f32", shape, (*given, skip))]
    mask = c_flag(step.mask_input)
    return [Call("tp_scale_shift_bwd_f32", joined(shape, word_if(step.mask_input, "masked")), (*given, mask, skip))]


def _error_calls(places: Places, step: BackwardStep, slot: str) -> list[Call]:
    """The error alone, where the weight stays as it is."""
    node = step.node
    sizes, shape = _sizes(places, node)
    weight, inverse = _trained(places, node)[0], _statistics(places, node)[1]
    given = (places.read(node.input), places.delta(node, const=True), weight, inverse, places.error(slot), *sizes)
    if step.packed_input is not None:
        unmasked = Call("tp_scale_shift_error_f32", shape, (*given, c_flag(False)))
        return [unmasked, packed_relu_call(places, slot, step.packed_input)]
    name = joined(shape, word_if(step.mask_input, "masked"))
    return [Call("tp_scale_shift_error_f32", name, (*given, c_flag(step.mask_input)))]


def _op(node: Node) -> ScaleShift:
    assert isinstance(node.op, ScaleShift)
    return node.op


def _trained(places: Places, node: Node) -> tuple[Pass | str, Pass | str]:
    """Weight and bias to read; NULL where the batch norm has none."""
    return places.parameters(node) if _op(node).bias else ("NULL", "NULL")


def _statistics(places: Places, node: Node) -> tuple[Pass, Pass]:
    """Mean, and what the engine keeps in the variance's place."""
    return places.fixed(node.parameters[-2], "mean"), places.fixed(node.parameters[-1], "inverse")


def _sizes(places: Places, node: Node) -> tuple[tuple[str, str], str]:
    """Channels and positions of one as literals, and what names the small function."""
    channels, *positions = places.train.program.value_in(node).shape
    sizes = (c_uint(channels), c_uint(prod(positions)))
    return sizes, joined(f"{channels}x{prod(positions)}", word_if(not _op(node).bias, "plain"))
