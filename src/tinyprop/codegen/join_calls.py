"""The kernels that bring values together, and that copy and add up what is sent back to each of them."""

from itertools import accumulate

from tinyprop.codegen.call import Call, Pass
from tinyprop.codegen.literals import c_uint
from tinyprop.codegen.places import Places
from tinyprop.ir.graph import Node
from tinyprop.ir.train_program import AddErrorStep, PassErrorStep


def add_forward_calls(places: Places, node: Node) -> list[Call]:
    """y = a + b."""
    a, b = (places.read(name) for name in node.inputs)
    return [_add(a, b, places.write(node.output), places.train.program.value_out(node).size)]


def add_error_calls(places: Places, step: PassErrorStep) -> list[Call]:
    """One input takes the error's own place; any other gets a copy."""
    size = places.train.program.value_out(step.node).size
    source = places.delta(step.node)
    targets = (places.error(slot) for slot in step.slots if slot is not None)
    return [copy_call(source, target, size) for target in targets if target.text != source.text]


def gather_error_call(places: Places, step: AddErrorStep) -> Call:
    """One error added to another of the same value."""
    target = places.error(step.value)
    return _add(target, places.error(step.slot), target, places.train.program.values[step.value].size)


def concat_forward_calls(places: Places, node: Node) -> list[Call]:
    """Each input copied behind the one before it."""
    parts = zip(node.inputs, *_parts(places, node), strict=True)
    return [copy_call(places.read(name), places.write(node.output), size, to=start) for name, start, size in parts]


def concat_error_calls(places: Places, step: PassErrorStep) -> list[Call]:
    """Each input's part of the error copied to it."""
    parts = zip(step.slots, *_parts(places, step.node), strict=True)
    return [
        copy_call(places.delta(step.node), places.error(slot), size, start=start)
        for slot, start, size in parts
        if slot is not None
    ]


def copy_call(source: Pass, target: Pass, size: int, *, start: int = 0, to: int = 0) -> Call:
    """`size` elements from element `start` of `source` to element `to` of `target`."""
    x = Pass("const float *", "x", f"{source.text} + {start}" if start else source.text)
    y = Pass("float *", "y", f"{target.text} + {to}" if to else target.text)
    return Call("tp_copy_f32", str(size), (x, y, c_uint(size)))


def _add(a: Pass, b: Pass, y: Pass, size: int) -> Call:
    terms = (Pass("const float *", "a", a.text), Pass("const float *", "b", b.text))
    return Call("tp_add_f32", str(size), (*terms, Pass("float *", "y", y.text), c_uint(size)))


def _parts(places: Places, node: Node) -> tuple[list[int], list[int]]:
    """Where each input of a concatenation begins in its output, and how many elements it has."""
    sizes = [places.train.program.values[name].size for name in node.inputs]
    return [0, *accumulate(sizes[:-1])], sizes
