"""Signals (C, L) run through the operators of feature maps as maps (C, 1, L): the same bytes."""

from tinyprop.frontend.aten_call import AtenCall
from tinyprop.frontend.lowering import Lowering, Unsupported
from tinyprop.ir.op import Op, Shape
from tinyprop.ir.ops.reshape import Reshape


def as_map(shape: Shape) -> Shape:
    """`shape` with a height of 1 where it is a signal's; refuses what is neither signal nor feature map."""
    if len(shape) == 3:
        return shape
    if len(shape) == 2:
        return (shape[0], 1, shape[1])
    raise Unsupported(f"its input has shape {(1, *shape)}; pass a feature map (1, C, H, W) or a signal (1, C, L)")


def emit_on_map(call: AtenCall, lowering: Lowering, shape: Shape, op: Op, parameters: tuple[str, ...] = ()) -> None:
    """`op` on a value of `shape`, seen as a feature map; its result in the shape that `call` gives it."""
    before, wanted = as_map(shape), call.shape[1:]
    ops = [op] if before == shape else [Reshape(before), op]
    after = op.shape_after((before,))
    lowering.emit(call.node, *ops, *([] if after == wanted else [Reshape(wanted)]), parameters=parameters)
