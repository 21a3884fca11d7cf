"""Program + TrainSpec → TrainProgram: which steps one training step consists of, and where it may end."""

from collections.abc import Mapping

from tinyprop.errors import InternalError, UserError
from tinyprop.ir.graph import Node, Program
from tinyprop.ir.losses import Loss
from tinyprop.ir.op import LayerOp
from tinyprop.ir.ops.relu import ReLU
from tinyprop.ir.ops.reshape import Reshape
from tinyprop.ir.scaled_layers import scaled_by
from tinyprop.ir.train_program import AddErrorStep, BackwardStep, ForwardStep, LossStep, PassErrorStep, TrainProgram
from tinyprop.methods.optimizer import PLAIN, SGD
from tinyprop.methods.spec import LayerInfo, TrainSpec


def layer_infos(program: Program) -> tuple[LayerInfo, ...]:
    """What a method may know of each layer of a (fused) program, in forward order."""
    return tuple(
        LayerInfo(
            name=node.name,
            n=node.op.delta_count(program.value_in(node).shape),
            parameters=sum(program.parameters[p].size for p in node.trained),
            positions=program.value_out(node).channels[1],
            per_channel=node.op.per_channel,
            macs=(macs.weight_gradient, macs.input_error),
            scaled_by=norm.name if (norm := scaled_by(program, node)) else None,
            weight=node.trained[0] if node.trained else None,
            bias=node.trained[1] if len(node.trained) > 1 else None,
        )
        for node in program.layers
        if isinstance(node.op, LayerOp) and (macs := node.op.macs(program.value_in(node).shape))
    )


def differentiate(program: Program, spec: TrainSpec, loss: Loss, optimizer: SGD = PLAIN) -> TrainProgram:
    """The training step of a fused `program` under `spec`.

    Raises UserError when nothing may train or when the network ends in a ReLU and the loss cannot use that.
    """
    if len(spec.selections) != len(program.layers):
        raise InternalError(f"{len(spec.selections)} selections for {len(program.layers)} layers of {program.name}")
    trainable = [layer for layer, selection in enumerate(spec.selections) if selection is not None]
    if not trainable:
        raise UserError(f"method '{spec.method}' trains no layer of '{program.name}': let at least one train.")
    if not loss.after_relu and leaves_relu({node.output: node for node in program.nodes}, program.output.name):
        raise UserError(f"'{program.name}' ends in a ReLU: cross-entropy needs raw outputs, so remove the last ReLU.")
    backward = _Tape(program, spec).record()
    reached = {step.node.name for step in backward if not isinstance(step, AddErrorStep) and step.reads_argmax}
    forward = [ForwardStep(node, keep_aux=node.name in reached) for node in program.nodes]
    return TrainProgram(program, spec, loss, (*forward, LossStep(loss, program.output.name), *backward), optimizer)


class _Tape:
    """Walks the nodes backwards and notes which errors are on their way down.

    needed: values above something that trains. pending: value → how many nodes have sent an error to it so far.
    masked: value → whether every error that arrived there was already zeroed where the value, a ReLU's output, is.
    """

    def __init__(self, program: Program, spec: TrainSpec) -> None:
        self.program = program
        self.selections = dict(zip((node.name for node in program.layers), spec.selections, strict=True))
        self.frozen = frozenset(spec.frozen)
        self.layer_of = {node.name: layer for layer, node in enumerate(program.layers)}
        self.producer = {node.output: node for node in program.nodes}
        self.needed = self._needed()
        self.pending = {program.output.name: 1}
        self.masked: dict[str, bool] = {program.output.name: False}
        self.steps: list[BackwardStep | PassErrorStep | AddErrorStep] = []

    def record(self) -> list[BackwardStep | PassErrorStep | AddErrorStep]:
        """The steps behind the loss."""
        for node in reversed(self.program.nodes):
            if self.pending.pop(node.output, 0):
                if isinstance(node.op, LayerOp):
                    self._layer(node, node.op)
                else:
                    self._pass(node)
        return self.steps

    def _needed(self) -> set[str]:
        needed: set[str] = set()
        for node in self.program.nodes:
            if self.selections.get(node.name) is not None or needed.intersection(node.inputs):
                needed.add(node.output)
        return needed

    def _layer(self, node: Node, op: LayerOp) -> None:
        ends = not self.pending
        mask_input = self._leaves_relu(node.input)
        mask_output = op.relu and not self.masked[node.output]
        (slot,), extra = self._send(node, masked=mask_input)
        selection = self.selections[node.name]
        ends = ends and not (selection is not None and selection.updates_only and slot is not None)
        layer = self.layer_of[node.name]
        masks = (mask_input and slot is not None, mask_output)
        learns = () if selection is None else tuple(name for name in node.trained if name not in self.frozen)
        self.steps += [BackwardStep(node, layer, selection, slot, ends, *masks, learns), *extra]

    def _pass(self, node: Node) -> None:
        arrived_masked = self.masked[node.output]
        # A ReLU below a ReLU is dead where that one is.
        slots, extra = self._send(
            node, masked=isinstance(node.op, ReLU) or (arrived_masked and isinstance(node.op, Reshape))
        )
        self.steps += [PassErrorStep(node, slots, masked=arrived_masked and isinstance(node.op, ReLU)), *extra]

    def _send(self, node: Node, masked: bool) -> tuple[tuple[str | None, ...], list[AddErrorStep]]:
        """The slots that `node` writes, one per input, and the additions that follow."""
        slots: list[str | None] = []
        extra = []
        for value in node.inputs:
            if value not in self.needed:
                slots.append(None)
                continue
            before = self.pending.get(value, 0)
            self.pending[value] = before + 1
            self.masked[value] = masked and self.masked.get(value, True)
            slots.append(value if before == 0 else f"{value}+{before}")
            if before:
                extra.append(AddErrorStep(value, f"{value}+{before}"))
        return tuple(slots), extra

    def _leaves_relu(self, value: str) -> bool:
        return leaves_relu(self.producer, value)


def leaves_relu(producer: Mapping[str, Node], value: str) -> bool:
    """Whether `value` is the output of a ReLU, fused or not, seen through reshapes."""
    while value in producer:
        op = producer[value].op
        if not isinstance(op, Reshape):
            return isinstance(op, ReLU) or (isinstance(op, LayerOp) and op.relu)
        value = producer[value].input
    return False
