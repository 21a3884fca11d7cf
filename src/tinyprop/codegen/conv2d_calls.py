"""Which kernels a convolution runs, with or without a max pool fused behind it."""

from tinyprop.codegen.activation_calls import packed_relu_call
from tinyprop.codegen.bias_calls import bias_calls
from tinyprop.codegen.call import Call, Pass
from tinyprop.codegen.literals import c_flag, c_struct, c_uint
from tinyprop.codegen.places import Places
from tinyprop.codegen.shape_names import cross, joined, word_if
from tinyprop.ir.graph import Node
from tinyprop.ir.op import Op, Shape
from tinyprop.ir.ops.conv2d import Conv2d, ConvKernels
from tinyprop.ir.ops.conv2d_max_pool import Conv2dMaxPool
from tinyprop.ir.ops.max_pool2d import MaxPool2d
from tinyprop.ir.train_program import BackwardStep
from tinyprop.methods.rules.keep_above import KeepAbove
from tinyprop.methods.rules.keep_channels import KeepChannels
from tinyprop.methods.rules.keep_diffused import KeepDiffused
from tinyprop.methods.rules.keep_memorised import KeepMemorised
from tinyprop.methods.rules.keep_ratio import KeepRatio

Arguments = tuple[Pass | str, ...]

FORWARD = {
    ConvKernels.GENERAL: "tp_conv2d_fwd_f32",
    ConvKernels.THREE_BY_THREE: "tp_conv2d_fwd_f32_k3p1",
    ConvKernels.DEPTHWISE_THREE_BY_THREE: "tp_depthwise_conv2d_fwd_f32_k3p1",
    ConvKernels.DEPTHWISE: "tp_depthwise_conv2d_fwd_f32",
    ConvKernels.POINTWISE: "tp_pointwise_conv2d_fwd_f32",
}


def conv2d_forward_calls(places: Places, node: Node) -> list[Call]:
    """What computes the output, and which inputs the pool chose where the backward pass will ask."""
    conv, pool = _conv_and_pool(node.op)
    weight, bias = places.parameters(node)
    geometry = conv_struct(conv, _shape_in(places, node))
    common = (places.read(node.input), weight, bias, places.write(node.output))
    if pool is None:
        kernel = FORWARD[conv.kernels(_shape_in(places, node))]
        return [Call(kernel, _name(places, node), (*common, geometry, c_flag(conv.relu)))]
    argmax = places.argmax(node)
    name = joined(_name(places, node), word_if(argmax == "NULL", "inference"))
    if _blocked(places, node):
        flags = (c_flag(conv.relu), c_flag(argmax != "NULL"))
        return [Call("tp_conv2d_max_pool_fwd_f32_k3p1w2", name, (*common, argmax, geometry, *flags))]
    arguments = (*common, argmax, geometry, _pool_struct(pool), c_flag(conv.relu))
    return [Call("tp_conv2d_max_pool_fwd_f32", name, arguments)]


def conv2d_backward_calls(places: Places, step: BackwardStep) -> list[Call]:
    """The error of the input, if anybody below needs it, then the update of what learns."""
    calls = []
    if step.slot is not None:
        calls.append(_error(places, step, step.slot))
        if step.packed_input is not None:
            calls.append(packed_relu_call(places, step.slot, step.packed_input))
    return [*calls, _update(places, step)] if step.learns_weight else [*calls, *bias_calls(places, step)]


def _error(places: Places, step: BackwardStep, slot: str) -> Call:
    node = step.node
    conv, pool = _conv_and_pool(node.op)
    masked = step.mask_input and step.packed_input is None
    name = joined(_name(places, node), word_if(masked, "masked"))
    weight = places.parameters(node)[0]
    x, delta, argmax = places.read(node.input), places.delta(node, const=True), places.argmax(node, const=True)
    geometry = conv_struct(conv, _shape_in(places, node))
    mask, skip = c_flag(masked), c_flag(places.train.spec.skip_zeros)
    if _blocked(places, node):
        given: Arguments = (x, delta, argmax, weight, places.error(slot), places.scratch(node, "tp_kept"))
        return Call("tp_conv2d_error_f32_k3p1w2", name, (*given, geometry, mask, skip))
    plain = (x, delta, weight, places.error(slot))
    match _unpooled_kernels(places, node):
        case ConvKernels.DEPTHWISE_THREE_BY_THREE:
            return Call("tp_depthwise_conv2d_error_f32_k3p1", name, (*plain, geometry, mask))
        case ConvKernels.DEPTHWISE:
            return Call("tp_depthwise_conv2d_error_f32", name, (*plain, geometry, mask))
        case ConvKernels.THREE_BY_THREE:
            given = (*plain, places.scratch(node, "tp_kept"), geometry, mask, skip)
            return Call("tp_conv2d_error_f32_k3p1", name, given)
        case ConvKernels.POINTWISE:
            given = (*plain, places.scratch(node, "tp_kept"), geometry, _kept(places, step), mask)
            return Call("tp_pointwise_conv2d_error_f32", name, given)
    scratch = places.scratch(node, "tp_kept")
    given = (x, delta, argmax, weight, places.error(slot), scratch, geometry, _pool_struct(pool), mask, skip)
    return Call("tp_conv2d_error_f32", name, given)


def _update(places: Places, step: BackwardStep) -> Call:
    node = step.node
    conv, pool = _conv_and_pool(node.op)
    parameters = places.learning(step)
    name = joined(_name(places, node), word_if(conv.bias and parameters[1] == "NULL", "nobias"))
    x, argmax = places.read(node.input), places.argmax(node, const=True)
    geometry = conv_struct(conv, _shape_in(places, node))
    skip = c_flag(places.train.spec.skip_zeros)
    if _blocked(places, node):
        delta = places.delta(node, const=True)
        scratch = places.scratch(node, "tp_kept_at")
        given: Arguments = (x, delta, argmax, *parameters, scratch, places.rate, geometry, skip)
        return Call("tp_conv2d_update_f32_k3p1w2", name, given)
    match _unpooled_kernels(places, node):
        case ConvKernels.DEPTHWISE_THREE_BY_THREE:
            given = (x, places.delta(node, const=True), *parameters, places.rate, geometry, skip)
            return Call("tp_depthwise_conv2d_update_f32_k3p1", name, given)
        case ConvKernels.DEPTHWISE:
            given = (x, places.delta(node, const=True), *parameters, places.rate, geometry)
            return Call("tp_depthwise_conv2d_update_f32", name, given)
        case ConvKernels.THREE_BY_THREE:
            windows = places.scratch(node, "tp_window")
            given = (x, places.delta(node), *parameters, windows, places.rate, geometry, _kept(places, step))
            return Call("tp_conv2d_update_f32_k3p1", name, given)
        case ConvKernels.POINTWISE:
            scratch, kept = places.scratch(node, "tp_index"), _kept(places, step)
            given = (x, places.delta(node), *parameters, scratch, places.rate, geometry, kept)
            return Call("tp_pointwise_conv2d_update_f32", name, given)
    scratch, delta = places.scratch(node, "float"), places.delta(node, const=True)
    given = (x, delta, argmax, *parameters, scratch, places.rate, geometry, _pool_struct(pool), skip)
    return Call("tp_conv2d_update_f32", name, given)


def _kept(places: Places, step: BackwardStep) -> Pass | str:
    """How many entries of δ are not zero, where that was counted; all of them, where zeros are computed too.

    A rule that keeps all of δ has not counted its zeros, and behind a ReLU there may be many.
    """
    size = c_uint(places.train.program.value_out(step.node).size)
    if not places.train.spec.skip_zeros:
        return size
    kept = f"kept{step.layer}"
    match step.selection:
        case None:
            kept = "TP_UNCOUNTED"
        case KeepAbove() | KeepChannels() | KeepDiffused() | KeepMemorised() | KeepRatio():
            kept = f"{kept} < {size} ? {kept} : TP_UNCOUNTED"
    return Pass("uint32_t", "kept", kept)


def _conv_and_pool(op: Op) -> tuple[Conv2d, MaxPool2d | None]:
    if isinstance(op, Conv2dMaxPool):
        return op.conv, op.pool
    assert isinstance(op, Conv2d)
    return op, None


def _blocked(places: Places, node: Node) -> bool:
    return isinstance(node.op, Conv2dMaxPool) and node.op.blocked(_shape_in(places, node))


def _unpooled_kernels(places: Places, node: Node) -> ConvKernels:
    """The kernels of a convolution; behind a pool that has no kernels of its own the general ones."""
    return node.op.kernels(_shape_in(places, node)) if isinstance(node.op, Conv2d) else ConvKernels.GENERAL


def _shape_in(places: Places, node: Node) -> Shape:
    return places.train.program.value_in(node).shape


def conv_struct(conv: Conv2d, shape: Shape) -> str:
    out = conv.output_shape(shape)
    windows = (*conv.kernel, *conv.stride, *conv.padding, *conv.dilation)
    return c_struct("tp_conv2d", *shape, *out, *windows, conv.groups)


def _pool_struct(pool: MaxPool2d | None) -> str:
    return c_struct("tp_pool", *(pool.kernel if pool else (1, 1)))


def _name(places: Places, node: Node) -> str:
    conv, pool = _conv_and_pool(node.op)
    windows = [f"k{cross(conv.kernel)}", f"s{cross(conv.stride)}", f"p{cross(conv.padding)}"]
    trailing = word_if(conv.trailing not in (None, conv.padding), f"t{cross(conv.trailing or ())}")
    dilation = word_if(conv.dilation != (1, 1), f"d{cross(conv.dilation)}")
    groups = word_if(conv.groups != 1, f"g{conv.groups}")
    pooled = f"pool{cross(pool.kernel)}" if pool else ""
    flags = (word_if(conv.relu, "relu"), word_if(not conv.bias, "nobias"))
    return joined(
        cross(_shape_in(places, node)), conv.out_channels, *windows, trailing, dilation, groups, pooled, *flags
    )
