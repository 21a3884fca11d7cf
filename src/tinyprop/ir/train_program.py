"""TrainProgram: one training step as a list of steps, a frozen record between `backward` and `plan`.

A step list reads: the forward nodes, the loss, then for each trainable layer in reverse one Backward step (select →
propagate → update) after which the pass may end, with PassError steps between them for operators without parameters.

An error slot is named after the value it is the error of. Where several nodes read a value, the first of them to send
its error down writes that slot, each other one a slot of its own, which an AddError step then adds to the first.

A mask is named after the value whose elements it tells apart: where an error passes and where it does not.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from tinyprop.ir.answers import answering
from tinyprop.ir.graph import Node, Program
from tinyprop.ir.losses import Loss
from tinyprop.ir.op import LayerOp
from tinyprop.ir.ops.dense import Dense
from tinyprop.ir.ops.reshape import Reshape
from tinyprop.methods.looks import Looks
from tinyprop.methods.optimizer import PLAIN, SGD
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.keep_moving import KeepMoving
from tinyprop.methods.spec import Selection, TrainSpec


@dataclass(frozen=True)
class ForwardStep:
    """Run `node`. keep_aux: its argmax is needed by the backward pass."""

    node: Node
    keep_aux: bool


@dataclass(frozen=True)
class PackMaskStep:
    """Note in a bit per element of `node`'s output whether it lets errors pass; then nobody needs the output itself."""

    node: Node


@dataclass(frozen=True)
class LossStep:
    """Loss and error of the output. The error overwrites the output where nobody reads it behind the loss."""

    loss: Loss
    output: str


@dataclass(frozen=True)
class PassErrorStep:
    """Send the error through an operator without parameters.

    slots: for each input the error slot that is written, None where nothing below it trains.
    masked: `node` is a ReLU that the mask_input of the layer above has already applied; the error is as it should be.
    packed: the mask that is read in place of the output of `node`.
    """

    node: Node
    slots: tuple[str | None, ...]
    masked: bool = False
    packed: str | None = None
    reads_argmax: ClassVar[bool] = True  # a max pool sends its error to the inputs that won


@dataclass(frozen=True)
class BackwardStep:
    """Select δ of layer number `layer` (forward order), then propagate it and update the parameters in place.

    selection None: the layer is frozen and its error only passes through.
    slot: the error slot that is written for the input; None: nothing below trains.
    ends: no other error is on its way down, so a layer that keeps nothing ends the pass.
    mask_input: the input left a ReLU, so the error sent down is zeroed wherever the input is zero.
    mask_output: this layer's own fused ReLU has not been applied to the error that arrives (no layer stands directly
    above it to do so as its mask_input).
    learns: names of the parameters that are updated; none for a frozen layer.
    packed_input, packed_output: the masks that are read in place of the input and the output themselves.
    """

    node: Node
    layer: int
    selection: Selection | None
    slot: str | None
    ends: bool
    mask_input: bool
    mask_output: bool
    learns: tuple[str, ...]
    packed_input: str | None = None
    packed_output: str | None = None

    @property
    def propagate(self) -> bool:
        """Whether something below trains."""
        return self.slot is not None

    @property
    def learns_weight(self) -> bool:
        """Whether the gradient of the weight is computed, and with it the layer's input needed."""
        return self.node.parameters[0] in self.learns

    @property
    def selects_late(self) -> bool:
        """Whether the error is sent down before the selection: it is of the update only."""
        return self.selection is not None and self.selection.updates_only and self.propagate

    @property
    def reads_argmax(self) -> bool:
        """Whether it matters which inputs a fused pool picked: to the error, the weight's gradient or the selection."""
        return self.propagate or self.learns_weight or (self.selection is not None and self.selection.breaks_ties)


@dataclass(frozen=True)
class AddErrorStep:
    """error[value] += error[slot]: a value that several nodes read gathers what each of them sends down."""

    value: str
    slot: str


Step = ForwardStep | PackMaskStep | LossStep | PassErrorStep | BackwardStep | AddErrorStep


@dataclass(frozen=True)
class TrainProgram:
    """`program` after fusion, the method's `spec` for its layers, the steps of one training step; the optimizer."""

    program: Program
    spec: TrainSpec
    loss: Loss
    steps: tuple[Step, ...]
    optimizer: SGD = PLAIN

    @property
    def trainable(self) -> tuple[str, ...]:
        """Names of the parameters that a step may change, in program order."""
        names = {name for step in self.steps if isinstance(step, BackwardStep) for name in step.learns}
        return tuple(name for name in self.program.parameters if name in names)

    @property
    def frozen(self) -> tuple[str, ...]:
        """Names of the parameters that no step changes, in program order: they stay in flash."""
        trainable = set(self.trainable)
        return tuple(name for name in self.program.parameters if name not in trainable)

    def count(self, names: Iterable[str]) -> int:
        """How many numbers the parameters of these `names` have together."""
        return sum(self.program.parameters[name].size for name in names)

    @property
    def velocities(self) -> int:
        """How many numbers the optimizer keeps from step to step."""
        return self.count(self.trainable) if self.optimizer.momentum else 0

    @property
    def residuals(self) -> dict[str, int]:
        """Layer → how many numbers its selection rule remembers from step to step, of those that do, forward order.

        Where the network is looked at, those of the samples come first, under the name of its input.
        """
        backward = {step.layer: step for step in self.steps if isinstance(step, BackwardStep)}
        found = {step.node.name: self._residuals_of(step) for _, step in sorted(backward.items())}
        kept = {self.program.input.name: self.looks.words(self.program.input.size)} if self.looks else {}
        return kept | {name: count for name, count in found.items() if count}

    @property
    def looks(self) -> Looks | None:
        """When the network is run on samples that it keeps; None where no selection remembers a response."""
        return self.spec.looks if self.looked_at else None

    @property
    def looked_at(self) -> tuple[BackwardStep, ...]:
        """The steps of layers whose selection remembers responses, forward order."""
        asking = [s for s in self.steps if isinstance(s, BackwardStep) and isinstance(s.selection, KeepMoving)]
        return tuple(sorted(asking, key=lambda step: step.layer))

    def answer_of(self, step: BackwardStep) -> tuple[Node, KeepMoving]:
        """The node whose output a step of `looked_at` remembers, and the rule that does."""
        assert isinstance(step.selection, KeepMoving)
        return answering(self.program, step.node), step.selection

    def _residuals_of(self, step: BackwardStep) -> int:
        if step.selection is None:
            return 0
        assert isinstance(step.node.op, LayerOp)
        n = step.node.op.delta_count(self.program.value_in(step.node).shape)
        if isinstance(step.selection, KeepMoving):
            return step.selection.responses(*self.program.value_out(self.answer_of(step)[0]).channels)
        return step.selection.residuals(self.program.value_out(step.node).size, n)

    def skips_zeros_in(self, node: Node) -> bool:
        """Whether dense `node` leaves out zeros of what it reads: of the network's own input only if asked to."""
        return self.spec.skip_zeros and (self.spec.skip_zero_inputs or not self._reads_input(node))

    def skips_zeros_of(self, step: BackwardStep) -> bool:
        """Whether zeros of the δ of `step` are looked for and left out.

        Not where a dense layer takes all of the loss's own error: that has hardly a zero, and looking costs more.
        """
        from_loss = step.node.output == self.program.output.name and not step.mask_output
        return self.spec.skip_zeros and not (
            from_loss and isinstance(step.selection, KeepAll) and isinstance(step.node.op, Dense)
        )

    def _reads_input(self, node: Node) -> bool:
        """Whether `node` reads the input of the network, reshaped or not."""
        producer = {other.output: other for other in self.program.nodes}
        while (before := producer.get(node.input)) is not None and isinstance(before.op, Reshape):
            node = before
        return node.input == self.program.input.name

    def parts(self, step: BackwardStep) -> tuple[BackwardStep, ...]:
        """What runs of `step`, one behind the other: all at once, or its error and then its update.

        They part when the optimizer changes weights in more than one pass, since the error needs them as they were, and
        when the selection is of the update only.
        """
        if step.selection is None or step.slot is None or (self.optimizer.plain and not step.selects_late):
            return (step,)
        return replace(step, selection=None, learns=()), replace(step, slot=None, mask_input=False)

    def __str__(self) -> str:
        return "\n".join([str(self.program), *(f"  {step}" for step in self.steps), f"  {self.optimizer}"])
