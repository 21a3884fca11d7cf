"""TrainProgram → which buffers exist, how large, and from which step to which each must keep its contents.

Steps are numbered as in `TrainProgram.steps`, forward and backward in one line: an activation that an update needs
lives through the loss to that update. Reuse that the mathematics allows is decided here (a reshape is the same bytes,
an error may overwrite the activation it is the error of); what merely fits in time is left to the placement.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tinyprop.ir.activation_reads import activation_reads
from tinyprop.ir.op import JoinOp, LayerOp, UnaryOp
from tinyprop.ir.ops.reshape import Reshape
from tinyprop.ir.train_program import (
    AddErrorStep,
    BackwardStep,
    ForwardStep,
    LossStep,
    PackMaskStep,
    PassErrorStep,
    Step,
    TrainProgram,
)
from tinyprop.plan.plan import Buffer

ALIGNMENT = 4  # bytes; every buffer may hold float32


@dataclass(frozen=True)
class Storage:
    """Where everything lives. The program's input stays in the caller's memory and has no buffer.

    activation: value name → buffer name; error: error slot → buffer name; argmax, scratch: node name → buffer name;
    mask: name of the value whose bits it holds → buffer name.
    """

    buffers: tuple[Buffer, ...]
    activation: Mapping[str, str]
    error: Mapping[str, str]
    argmax: Mapping[str, str]
    scratch: Mapping[str, str]
    mask: Mapping[str, str]


def storage_of(train: TrainProgram) -> Storage:
    """The buffers of one training step and their lifetimes."""
    ledger = _Ledger(train, _last_reads(train))
    for time, step in enumerate(train.steps):
        match step:
            case ForwardStep():
                ledger.forward(time, step)
            case PackMaskStep():
                ledger.pack_mask(time, step)
            case LossStep():
                ledger.loss(time, step)
            case PassErrorStep():
                ledger.pass_error(time, step)
            case AddErrorStep():
                ledger.use(time, ledger.error[step.value], ledger.error[step.slot])
            case BackwardStep():
                ledger.backward(time, step)
    return ledger.storage()


def _last_reads(train: TrainProgram) -> dict[str, int]:
    """Value → the last step that reads its activation."""
    return {value: time for time, step in enumerate(train.steps) for value in activation_reads(step).activations}


@dataclass
class _Ledger:
    """Notes, step by step, when each buffer is first written and last used. last_read: of each activation."""

    train: TrainProgram
    last_read: Mapping[str, int]
    span: dict[str, tuple[int, int, int]] = field(default_factory=dict)  # bytes, first, last
    activation: dict[str, str] = field(default_factory=dict)
    error: dict[str, str] = field(default_factory=dict)
    argmax: dict[str, str] = field(default_factory=dict)
    scratch: dict[str, str] = field(default_factory=dict)
    mask: dict[str, str] = field(default_factory=dict)

    def create(self, time: int, name: str, size: int) -> str:
        self.span[name] = (size, time, time)
        return name

    def use(self, time: int, *names: str | None) -> None:
        for name in names:
            if name is not None:
                size, first, _ = self.span[name]
                self.span[name] = (size, first, time)

    def read(self, time: int, step: Step) -> None:
        """Activations and masks that `step` reads are in use."""
        reads = activation_reads(step)
        self.use(time, *(self.activation.get(value) for value in reads.activations))
        self.use(time, *(self.mask[value] for value in reads.masks))

    def forward(self, time: int, step: ForwardStep) -> None:
        node, program = step.node, self.train.program
        self.read(time, step)
        sources = [self.activation[name] for name in node.inputs if name in self.activation]
        free = [source for source in sources if self.is_free(source, after=time)]
        if isinstance(node.op, Reshape):
            if sources:
                self.activation[node.output] = sources[0]
        elif node.op.elementwise and free:
            self.activation[node.output] = free[0]
        else:
            self.activation[node.output] = self.create(time, node.output, 4 * program.value_out(node).size)
        if step.keep_aux and node.op.has_argmax:
            assert isinstance(node.op, UnaryOp)
            argmax_bytes = node.op.argmax_bytes(program.value_in(node).shape)
            self.argmax[node.name] = self.create(time, f"{node.name}.argmax", argmax_bytes)

    def pack_mask(self, time: int, step: PackMaskStep) -> None:
        value = self.train.program.value_out(step.node)
        self.read(time, step)
        self.mask[value.name] = self.create(time, f"{value.name}.mask", -(-value.size // 8))

    def loss(self, time: int, step: LossStep) -> None:
        """The error overwrites the outputs, unless the derivative of what they left is formed from them."""
        outputs = self.activation[step.output]
        self.use(time, outputs)
        if self.is_free(outputs, after=time):
            self.error[step.output] = outputs
        else:
            self.error[step.output] = self.create(time, f"{step.output}.error", self.bytes_of(step.output))

    def is_free(self, buffer: str, after: int) -> bool:
        """Whether no activation in `buffer` is read behind step `after`, so that it may be overwritten there."""
        held = (value for value, name in self.activation.items() if name == buffer)
        return all(self.last_read.get(value, 0) <= after for value in held)

    def pass_error(self, time: int, step: PassErrorStep) -> None:
        node, op = step.node, step.node.op
        above = self.error[node.output]
        self.use(time, above, self.argmax.get(node.name))
        self.read(time, step)
        in_place = op.elementwise or isinstance(op, Reshape)
        for slot in step.slots:
            if slot is not None:
                self.error[slot] = above if in_place else self.create(time, f"{slot}.error", self.bytes_of(slot))
                in_place = in_place and not isinstance(op, JoinOp)  # one input takes the error over, the others copy it

    def backward(self, time: int, step: BackwardStep) -> None:
        node, op = step.node, step.node.op
        assert isinstance(op, LayerOp)
        self.use(time, self.error[node.output], self.argmax.get(node.name))
        self.read(time, step)
        scratch_bytes = op.scratch_bytes(self.train.program.value_in(node).shape, updates=step.learns_weight)
        if not (step.propagate or step.learns_weight):
            scratch_bytes = 0
        if step.selection is not None:  # which is over when the kernels begin
            channels, _ = self.train.program.value_out(node).channels
            scratch_bytes = max(scratch_bytes, step.selection.scratch_bytes(channels))
        if scratch_bytes:
            self.scratch[node.name] = self.create(time, f"{node.name}.scratch", scratch_bytes)
        if step.slot is not None:
            # An input that is not read here has made room long ago.
            source = self.activation.get(node.input) if node.input in activation_reads(step).activations else None
            at_once = len(self.train.parts(step)) == 1  # else the update reads input and δ when the error is written
            if op.elementwise and at_once:
                self.error[step.slot] = self.error[node.output]
            elif (
                op.error_overwrites_input
                and (at_once or not step.learns_weight)
                and source is not None
                and self.is_free(source, after=time)
            ):
                self.error[step.slot] = source
            else:
                self.error[step.slot] = self.create(time, f"{step.slot}.error", self.bytes_of(step.slot))

    def bytes_of(self, slot: str) -> int:
        """Bytes of an error slot, which is named after the value it is the error of."""
        return 4 * self.train.program.values[slot.partition("+")[0]].size

    def storage(self) -> Storage:
        buffers = tuple(
            Buffer(name, bytes=size, align=ALIGNMENT, first=first, last=last)
            for name, (size, first, last) in self.span.items()
        )
        return Storage(buffers, self.activation, self.error, self.argmax, self.scratch, self.mask)
