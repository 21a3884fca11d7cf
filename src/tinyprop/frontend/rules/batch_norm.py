"""Batch norm in eval mode, a scale and a shift per channel: folded into the layer before it, or a layer by itself."""

from dataclasses import replace

import numpy as np

from tinyprop.frontend.aten_call import AtenCall
from tinyprop.frontend.lowering import Lowering, Unsupported
from tinyprop.ir.graph import Node
from tinyprop.ir.op import Array
from tinyprop.ir.ops.conv2d import Conv2d
from tinyprop.ir.ops.dense import Dense
from tinyprop.ir.ops.scale_shift import ScaleShift


def lower_batch_norm(call: AtenCall, lowering: Lowering) -> None:
    """What has a weight stays a layer that trains when the user asks for it; else it is folded, or stays frozen."""
    shape = lowering.tensor(call["input"]).shape
    if call["running_mean"] is None:
        raise Unsupported("batch norm without running statistics is not supported; set track_running_stats=True")
    if call["training"]:
        raise Unsupported(
            "batch norm in training mode is not supported, one sample is no batch to take statistics of; export after "
            "model.eval(), or pass training=self.training"
        )
    trains = lowering.train_batch_norm and call["weight"] is not None
    layer = lowering.layer_before(call["input"])
    if layer is not None and isinstance(layer.op, Conv2d | Dense) and not trains:
        _fold(call, lowering, layer)
    else:
        _keep(call, lowering, shape[0], trains)


def _fold(call: AtenCall, lowering: Lowering, layer: Node) -> None:
    """weight ← weight·scale, bias ← (bias − mean)·scale + shift, in float64."""
    assert isinstance(layer.op, Conv2d | Dense)
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


def _keep(call: AtenCall, lowering: Lowering, channels: int, trains: bool) -> None:
    """A layer of its own, with the statistics as parameters that never train."""
    own = [call["weight"], call["bias"]]
    if own.count(None) == 1:
        raise Unsupported("batch norm with only one of weight and bias is not supported; give it both or neither")
    given = [p for p in (*own, call["running_mean"], call["running_var"]) if p is not None]
    keys = tuple(lowering.parameter(p) if trains and p in own else lowering.buffer(p) for p in given)
    op = ScaleShift(channels, float(call["eps"]), bias=own[0] is not None, trains=trains)
    if not op.has_meaning(tuple(lowering.parameter_values(key) for key in keys)):
        raise Unsupported("batch norm of a variance of 0 with eps=0 is not supported; use an eps above 0")
    lowering.emit(call.node, op, parameters=keys)
