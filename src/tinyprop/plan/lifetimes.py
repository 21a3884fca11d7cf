"""TrainProgram → which buffers exist, how large, and from which step to which each must keep its contents.

Steps are numbered as in `TrainProgram.steps`, forward and backward in one line: an activation that an update needs
lives through the loss to that update. Reuse that the mathematics allows is decided here (a flatten is the same bytes,
an error may overwrite the activation it is the error of); what merely fits in time is left to the placement.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tinyprop.ir.graph import Node
from tinyprop.ir.op import LayerOp
from tinyprop.ir.ops.flatten import Flatten
from tinyprop.ir.ops.relu import ReLU
from tinyprop.ir.train_program import BackwardStep, ForwardStep, LossStep, PassErrorStep, TrainProgram
from tinyprop.plan.plan import Buffer

ALIGNMENT = 4  # bytes; every buffer may hold float32


@dataclass(frozen=True)
class Storage:
    """Where everything lives. The program's input stays in the caller's memory and has no buffer.

    activation, error: value name → buffer name; argmax, scratch: node name → buffer name.
    """

    buffers: tuple[Buffer, ...]
    activation: Mapping[str, str]
    error: Mapping[str, str]
    argmax: Mapping[str, str]
    scratch: Mapping[str, str]


def storage_of(train: TrainProgram) -> Storage:
    """The buffers of one training step and their lifetimes."""
    ledger = _Ledger(train)
    for time, step in enumerate(train.steps):
        match step:
            case ForwardStep():
                ledger.forward(time, step)
            case LossStep():
                ledger.error[step.output] = ledger.activation[step.output]
                ledger.use(time, ledger.activation[step.output])
            case PassErrorStep():
                ledger.pass_error(time, step)
            case BackwardStep():
                ledger.backward(time, step)
    return ledger.storage()


@dataclass
class _Ledger:
    """Notes, step by step, when each buffer is first written and last used."""

    train: TrainProgram
    span: dict[str, tuple[int, int, int]] = field(default_factory=dict)  # bytes, first, last
    activation: dict[str, str] = field(default_factory=dict)
    error: dict[str, str] = field(default_factory=dict)
    argmax: dict[str, str] = field(default_factory=dict)
    scratch: dict[str, str] = field(default_factory=dict)

    def create(self, time: int, name: str, size: int) -> str:
        self.span[name] = (size, time, time)
        return name

    def use(self, time: int, *names: str | None) -> None:
        for name in names:
            if name is not None:
                size, first, _ = self.span[name]
                self.span[name] = (size, first, time)

    def forward(self, time: int, step: ForwardStep) -> None:
        node, program = step.node, self.train.program
        source = self.activation.get(node.input)
        self.use(time, source)
        if isinstance(node.op, Flatten | ReLU) and source is not None:
            self.activation[node.output] = source
        elif not isinstance(node.op, Flatten):
            size = 4 * program.value_out(node).size
            self.activation[node.output] = self.create(time, node.output, size)
        if step.keep_aux and node.op.has_argmax:
            argmax_bytes = node.op.argmax_bytes(program.value_in(node).shape)
            self.argmax[node.name] = self.create(time, f"{node.name}.argmax", argmax_bytes)

    def pass_error(self, time: int, step: PassErrorStep) -> None:
        node = step.node
        above = self.error[node.output]
        self.use(time, above, self.argmax.get(node.name))
        if isinstance(node.op, Flatten) or step.masked:
            self.error[node.input] = above
        elif isinstance(node.op, ReLU):
            self.use(time, self.activation[node.output])
            self.error[node.input] = above
        else:
            self.error[node.input] = self.new_error(time, node)

    def backward(self, time: int, step: BackwardStep) -> None:
        node, op = step.node, step.node.op
        assert isinstance(op, LayerOp)
        self.use(time, self.error[node.output], self.argmax.get(node.name))
        if step.mask_output:
            self.use(time, self.activation[node.output])
        if step.selection is not None or step.mask_input:
            self.use(time, self.activation.get(node.input))
        scratch_bytes = op.scratch_bytes(self.train.program.value_in(node).shape)
        if scratch_bytes:
            self.scratch[node.name] = self.create(time, f"{node.name}.scratch", scratch_bytes)
        if step.propagate:
            overwrites = op.error_overwrites_input
            self.error[node.input] = self.activation[node.input] if overwrites else self.new_error(time, node)
            self.use(time, self.error[node.input])

    def new_error(self, time: int, node: Node) -> str:
        return self.create(time, f"{node.input}.error", 4 * self.train.program.value_in(node).size)

    def storage(self) -> Storage:
        buffers = tuple(
            Buffer(name, bytes=size, align=ALIGNMENT, first=first, last=last)
            for name, (size, first, last) in self.span.items()
        )
        return Storage(buffers, self.activation, self.error, self.argmax, self.scratch)
