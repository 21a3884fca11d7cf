"""What an optimizer adds to the step: clipping behind the decision to skip, passes over parameters around an update."""

from tinyprop.codegen.call import Call, Pass
from tinyprop.codegen.kernel_calls import backward_calls
from tinyprop.codegen.literals import c_float, c_uint
from tinyprop.codegen.places import PARAMETERS, VELOCITY, Places
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
    parts = places.train.parts(step)
    if step.selection is None or (places.train.optimizer.plain and len(parts) == 1):
        return backward_calls(places, step)
    return [call for part in parts[:-1] for call in backward_calls(places, part)]


def update_calls(places: Places, step: BackwardStep) -> list[Call]:
    """The update of a layer that keeps an error; empty where the gradient is all, which `error_calls` subtracts."""
    sgd = places.train.optimizer
    parts = places.train.parts(step)
    if step.selection is None or (sgd.plain and len(parts) == 1):
        return []
    gradient = backward_calls(places, parts[-1])
    if sgd.plain:
        return gradient
    if not sgd.momentum:
        return [_descend(places, step, PARAMETERS, f"rate * {c_float(sgd.weight_decay)}"), *gradient]
    return [_carry(places, step), *gradient, _descend(places, step, VELOCITY, "rate")]


def _carry(places: Places, step: BackwardStep) -> Call:
    sgd, velocity = places.train.optimizer, places.all_learning(step, VELOCITY)
    weight = places.all_learning(step, const=True) if sgd.weight_decay else "NULL"
    settings = (c_float(sgd.momentum), c_float(sgd.weight_decay), _size(places, step))
    return Call("tp_velocity_f32", "any", (velocity, weight, *settings))


def _descend(places: Places, step: BackwardStep, block: str, rate: str) -> Call:
    weight = places.all_learning(step)
    direction = Pass("const float *", "direction", places.all_learning(step, block).text)
    return Call("tp_descend_f32", "any", (weight, direction, Pass("float", "rate", rate), _size(places, step)))


def _size(places: Places, step: BackwardStep) -> Pass:
    """A size that is no literal to the kernel: one function serves all layers, a plain loop gains nothing from more."""
    return Pass("uint32_t", "size", c_uint(places.train.count(step.learns)))
