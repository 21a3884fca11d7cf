"""What an optimizer adds to the step: clipping behind the decision to skip, passes over parameters around an update."""

from tinyprop.codegen.call import Call, Pass
from tinyprop.codegen.kernel_calls import backward_calls
from tinyprop.codegen.literals import c_float, c_uint
from tinyprop.codegen.places import PARAMETERS, VELOCITY, Places
from tinyprop.ir.graph import Node
from tinyprop.ir.train_program import BackwardStep


def clip_calls(places: Places) -> list[Call]:
    """What bounds the error at the outputs; empty where nothing does."""
    clip = places.train.optimizer.clip
    if clip is None:
        return []
    size = places.train.program.output.size
    delta = Pass("float *", "delta", "error")
    return [Call("tp_clip_f32", str(size), (delta, c_uint(size), c_float(clip)))]


def error_calls(places: Places, step: BackwardStep) -> list[Call]:
    """The backward pass of a layer, without the update where `update_calls` has it."""
    if step.selection is None or places.train.optimizer.plain:
        return backward_calls(places, step)
    return [call for part in places.train.parts(step)[:-1] for call in backward_calls(places, part)]


def update_calls(places: Places, step: BackwardStep) -> list[Call]:
    """The update of a layer that keeps an error; empty where the gradient is all, which `error_calls` subtracts."""
    sgd = places.train.optimizer
    if step.selection is None or sgd.plain:
        return []
    gradient = backward_calls(places, places.train.parts(step)[-1])
    node, size = step.node, sum(places.train.program.parameters[name].size for name in step.node.parameters)
    if not sgd.momentum:
        return [_descend(places, node, size, PARAMETERS, f"rate * {c_float(sgd.weight_decay)}"), *gradient]
    return [_carry(places, node, size), *gradient, _descend(places, node, size, VELOCITY, "rate")]


def _carry(places: Places, node: Node, size: int) -> Call:
    sgd, velocity = places.train.optimizer, places.all_parameters(node, VELOCITY)
    weight = places.all_parameters(node, const=True) if sgd.weight_decay else "NULL"
    settings = (c_float(sgd.momentum), c_float(sgd.weight_decay), _any(size))
    return Call("tp_velocity_f32", "any", (velocity, weight, *settings))


def _descend(places: Places, node: Node, size: int, block: str, rate: str) -> Call:
    weight = places.all_parameters(node)
    direction = Pass("const float *", "direction", places.all_parameters(node, block).text)
    return Call("tp_descend_f32", "any", (weight, direction, Pass("float", "rate", rate), _any(size)))


def _any(size: int) -> Pass:
    """A size that is no literal to the kernel: one function serves all layers, a plain loop gains nothing from more."""
    return Pass("uint32_t", "size", c_uint(size))
