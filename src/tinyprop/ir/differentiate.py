"""Program + TrainSpec → TrainProgram: which steps one training step consists of, and where it may end."""

from tinyprop.errors import InternalError, UserError
from tinyprop.ir.graph import Node, Program
from tinyprop.ir.op import LayerOp
from tinyprop.ir.ops.flatten import Flatten
from tinyprop.ir.ops.relu import ReLU
from tinyprop.ir.ops.softmax_cross_entropy import SoftmaxCrossEntropy
from tinyprop.ir.train_program import BackwardStep, ForwardStep, LossStep, PassErrorStep, TrainProgram
from tinyprop.methods.spec import LayerInfo, TrainSpec


def layer_infos(program: Program) -> tuple[LayerInfo, ...]:
    """What a method may know of each layer of a (fused) program, in forward order."""
    return tuple(
        LayerInfo(
            name=node.name,
            n=node.op.delta_count(program.value_in(node).shape),
            parameters=sum(program.parameters[p].size for p in node.parameters),
        )
        for node in program.layers
        if isinstance(node.op, LayerOp)
    )


def differentiate(program: Program, spec: TrainSpec, loss: SoftmaxCrossEntropy) -> TrainProgram:
    """The training step of a fused `program` under `spec`.

    Raises UserError when nothing may train or when the network ends in a ReLU, which no cross-entropy can use.
    """
    if len(spec.selections) != len(program.layers):
        raise InternalError(f"{len(spec.selections)} selections for {len(program.layers)} layers of {program.name}")
    trainable = [layer for layer, selection in enumerate(spec.selections) if selection is not None]
    if not trainable:
        raise UserError(f"method '{spec.method}' trains no layer of '{program.name}': let at least one train.")
    if _leaves_relu(program, program.output.name):
        raise UserError(f"'{program.name}' ends in a ReLU: cross-entropy needs raw outputs, so remove the last ReLU.")
    backward = _backward_steps(program, spec, lowest=program.layers[trainable[0]])
    reached = {step.node.name for step in backward}
    forward = [ForwardStep(node, keep_aux=node.name in reached) for node in program.nodes]
    return TrainProgram(program, spec, loss, (*forward, LossStep(loss, program.output.name), *backward))


def _backward_steps(program: Program, spec: TrainSpec, lowest: Node) -> list[BackwardStep | PassErrorStep]:
    layer_of = {node.name: layer for layer, node in enumerate(program.layers)}
    steps: list[BackwardStep | PassErrorStep] = []
    masked = False  # the error that arrives was already zeroed where the ReLU it passes is dead
    for node in reversed(program.nodes):
        if isinstance(node.op, LayerOp):
            layer = layer_of[node.name]
            propagate = node is not lowest
            mask_input = propagate and _leaves_relu(program, node.input)
            mask_output = node.op.relu and not masked
            steps.append(BackwardStep(node, layer, spec.selections[layer], propagate, mask_input, mask_output))
            masked = mask_input
            if not propagate:
                return steps
        else:
            steps.append(PassErrorStep(node, masked=masked and isinstance(node.op, ReLU)))
            masked = masked and isinstance(node.op, ReLU | Flatten)  # a ReLU below a ReLU is dead where that one is
    raise InternalError(f"layer {lowest.name} is not in {program.name}")


def _leaves_relu(program: Program, value: str) -> bool:
    """Whether `value` is the output of a ReLU, fused or not, seen through flattens."""
    producer = {node.output: node for node in program.nodes}
    while value in producer:
        op = producer[value].op
        if not isinstance(op, Flatten):
            return isinstance(op, ReLU) or (isinstance(op, LayerOp) and op.relu)
        value = producer[value].input
    return False
