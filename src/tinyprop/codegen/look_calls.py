"""What runs when a network is looked at: forward on a kept sample, and what its layers answer taken in."""

from tinyprop.codegen.call import Call, Pass
from tinyprop.codegen.literals import c_float, c_uint
from tinyprop.codegen.places import Places
from tinyprop.ir.graph import Node
from tinyprop.ir.train_program import BackwardStep


def compare_calls(places: Places, node: Node) -> list[Call]:
    """Behind `node` on one sample: what the selection of a layer remembers, where `node` is what the layer answers."""
    for step in places.train.looked_at:
        answer, rule = places.train.answer_of(step)
        if answer is node:
            channels, positions = places.train.program.value_out(node).channels
            given = (places.read(node.output, "y"), c_uint(channels), c_uint(positions))
            sample = (Pass("uint32_t", "sample", "sample"), c_uint(rule.samples))
            arguments = (*given, *sample, _memory(places, step))
            return [Call("tp_compare_response_f32", f"{channels}x{positions}", arguments)]
    return []


def judge_calls(places: Places) -> list[Call]:
    """Behind the last sample, layer by layer."""
    calls = []
    for step in places.train.looked_at:
        answer, rule = places.train.answer_of(step)
        channels, positions = places.train.program.value_out(answer).channels
        sizes = (c_uint(channels), c_uint(positions), c_uint(rule.samples))
        arguments = (*sizes, c_float(rule.eps), c_float(rule.mu), Pass("int", "first", "first"), _memory(places, step))
        calls.append(Call("tp_judge_responses_f32", f"{channels}x{positions}", arguments))
    return calls


def take_calls(places: Places) -> list[Call]:
    """Behind the checks of a sample, before anything is learned from it."""
    looks, size = places.train.looks, places.train.program.input.size
    if looks is None:
        return []
    sample = Pass("const float *", "x", "x")
    arguments = (Pass("float *", "memory", "m->residual"), sample, c_uint(size), c_uint(looks.samples))
    return [Call("tp_take_sample_f32", f"{looks.samples}x{size}", arguments)]


def _memory(places: Places, step: BackwardStep) -> Pass:
    memory = places.residual(step.node)
    assert memory is not None
    return Pass("float *", "memory", memory.text)
