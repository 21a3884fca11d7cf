"""What a layer runs in place of its update kernels where its bias learns and its weight does not."""

import math

from tinyprop.codegen.call import Call
from tinyprop.codegen.literals import c_uint
from tinyprop.codegen.places import Places
from tinyprop.ir.train_program import BackwardStep


def bias_calls(places: Places, step: BackwardStep) -> list[Call]:
    """The update of the bias alone, from δ: a vector's element by element, a map's channel by channel; [] if frozen."""
    if not step.learns:
        return []
    _, bias = places.learning(step)
    delta = places.delta(step.node, const=True)
    channels, *plane = places.train.program.value_out(step.node).shape
    if not plane:
        return [Call("tp_update_bias_f32", str(channels), (bias, delta, "NULL", places.rate, c_uint(channels)))]
    size = math.prod(plane)
    arguments = (bias, delta, places.rate, c_uint(channels), c_uint(size))
    return [Call("tp_update_channel_bias_f32", f"{channels}x{size}", arguments)]
