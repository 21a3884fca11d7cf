"""Batch norm in eval mode is a scale and a shift per channel: they go into the layer before it."""

from dataclasses import replace

import numpy as np

from tinyprop.frontend.aten_call import AtenCall
from tinyprop.frontend.lowering import Lowering, Unsupported
from tinyprop.ir.op import Array
from tinyprop.ir.ops.conv2d import Conv2d
from tinyprop.ir.ops.dense import Dense


def fold_batch_norm(call: AtenCall, lowering: Lowering) -> None:
    """weight ← weight·scale, bias ← (bias − mean)·scale + shift, in float64, for the layer right before."""
    lowering.tensor(call["input"])
    layer = lowering.layer_before(call["input"])
    if layer is None or not isinstance(layer.op, Conv2d | Dense):
        raise Unsupported("batch norm is supported only right behind a Conv2d or Linear; move it there or remove it")
    if call["training"] or call["running_mean"] is None:
        raise Unsupported("batch norm without running statistics is not supported; set track_running_stats=True")
    mean = lowering.constant(call["running_mean"])
    scale = 1 / np.sqrt(lowering.constant(call["running_var"]) + call["eps"])
    if call["weight"] is not None:
        scale = scale * lowering.constant(call["weight"])
    shift = np.zeros_like(mean) if call["bias"] is None else lowering.constant(call["bias"])

    weight_key = layer.parameters[0]
    bias_key = layer.parameters[1] if layer.op.bias else weight_key.removesuffix("weight") + "bias"
    weight: Array = lowering.parameter_values(weight_key)
    bias: Array = lowering.parameter_values(bias_key) if layer.op.bias else np.zeros_like(mean)
    folded = {
        weight_key: weight * scale.reshape(-1, *[1] * (weight.ndim - 1)),
        bias_key: (bias - mean) * scale + shift,
    }
    lowering.refine(call.node, replace(layer.op, bias=True), folded)
