"""The judge of programs: every promise of `Program`, checked without trusting the stage that built it."""

from collections.abc import Iterator

import numpy as np

from tinyprop.errors import InternalError, UserError
from tinyprop.ir.graph import Node, Program
from tinyprop.ir.op import LayerOp
from tinyprop.ir.ops import OPS


def verify(program: Program) -> None:
    """Raises InternalError with every broken promise of `program` and its printed form; else does nothing.

    Promises: the name is a C identifier; names are unique; nodes read only what is written before them and
    every value but the output is read; every operator is in OPS and its shapes follow; parameters are finite,
    read-only float32 of the operator's shapes and mean something to it, each used by one node.
    """
    problems = [*_name_problems(program), *_order_problems(program), *_parameter_problems(program)]
    if problems:
        raise InternalError("\n".join([f"'{program.name}' is not a valid program:", *problems, str(program)]))


def _name_problems(program: Program) -> Iterator[str]:
    if not program.name.isascii() or not program.name.isidentifier():
        yield f"its name '{program.name}' is not a C identifier"
    if len({node.name for node in program.nodes}) != len(program.nodes):
        yield "two nodes bear the same name"
    for name, value in program.values.items():
        if name != value.name:
            yield f"value '{value.name}' is filed as '{name}'"
    for end in (program.input, program.output):
        if program.values.get(end.name) != end:
            yield f"value '{end.name}' at an end of the program is not among its values"
    written = {program.input.name, *(node.output for node in program.nodes)}
    if written != set(program.values) or len(written) != len(program.nodes) + 1:
        yield "the values are not exactly the input and one per node"


def _order_problems(program: Program) -> Iterator[str]:
    written = {program.input.name}
    for node in program.nodes:
        for name in node.inputs:
            if name not in written:
                yield f"node '{node.name}' reads '{name}', which is not written before it"
        written.add(node.output)
        if OPS.get(node.op.kind) is not type(node.op):
            yield f"node '{node.name}' has an operator that is not in OPS: {node.op}"
        if written.issuperset(node.inputs) and written <= set(program.values):
            yield from _shape_problems(program, node)
    unread = written - {name for node in program.nodes for name in node.inputs} - {program.output.name}
    if unread:
        yield f"nobody reads {', '.join(sorted(unread))}"


def _shape_problems(program: Program, node: Node) -> Iterator[str]:
    try:
        shape = node.op.shape_after(program.shapes_in(node))
    except UserError as error:
        yield f"node '{node.name}': {error}"
        return
    if shape != program.value_out(node).shape:
        yield f"node '{node.name}' writes shape {shape} into a value of shape {program.value_out(node).shape}"


def _parameter_problems(program: Program) -> Iterator[str]:
    used = [name for node in program.nodes for name in node.parameters]
    if sorted(used) != sorted(program.parameters):
        yield f"the nodes use parameters {used}, the program holds {list(program.parameters)}"
    for node in program.nodes:
        expected = node.op.parameter_shapes() if isinstance(node.op, LayerOp) else ()
        arrays = tuple(program.parameters[name] for name in node.parameters if name in program.parameters)
        given = tuple(array.shape for array in arrays)
        if given != expected:
            yield f"node '{node.name}' needs parameters of shapes {expected} and has {given}"
        elif isinstance(node.op, LayerOp) and not node.op.has_meaning(arrays):
            yield f"node '{node.name}' has parameters that mean nothing to {node.op.kind}"
    for name, array in program.parameters.items():
        if array.dtype != np.float32 or array.flags.writeable or not np.isfinite(array).all():
            yield f"parameter '{name}' is not a finite, read-only float32 array"
