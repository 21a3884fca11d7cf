"""Which activations each step reads, and of which it needs to know one bit an element only."""

from dataclasses import dataclass

from tinyprop.ir.op import PassOp
from tinyprop.ir.train_program import BackwardStep, ForwardStep, LossStep, PackMaskStep, PassErrorStep, Step


@dataclass(frozen=True)
class ActivationReads:
    """values: whose numbers count. bits: of which only counts where they let an error pass. masks: read packed."""

    values: tuple[str, ...] = ()
    bits: tuple[str, ...] = ()
    masks: tuple[str, ...] = ()

    @property
    def activations(self) -> tuple[str, ...]:
        """All that must still be in memory as it was computed."""
        return self.values + self.bits


def activation_reads(step: Step) -> ActivationReads:
    """What `step` reads of the values that the forward pass computes."""
    match step:
        case ForwardStep(node):
            return ActivationReads(node.inputs)
        case PackMaskStep(node):
            return ActivationReads((node.output,))
        case LossStep():
            return ActivationReads((step.output,))
        case PassErrorStep():
            return _read_by_pass(step)
        case BackwardStep():
            return _read_by_layer(step)
    return ActivationReads()


def _read_by_pass(step: PassErrorStep) -> ActivationReads:
    node, op = step.node, step.node.op
    if not isinstance(op, PassOp) or step.masked:
        return ActivationReads()
    if op.two_slopes:
        return _bit_of(node.output, step.packed)
    inputs = node.inputs if op.backward_reads_input else ()
    return ActivationReads((*inputs, node.output) if op.backward_reads_output else inputs)


def _read_by_layer(step: BackwardStep) -> ActivationReads:
    nothing = ActivationReads()
    updated = step.node.inputs if step.learns_weight else ()
    above = _bit_of(step.node.input, step.packed_input) if step.mask_input and not updated else nothing
    below = _bit_of(step.node.output, step.packed_output) if step.mask_output else nothing
    return ActivationReads(updated, above.bits + below.bits, above.masks + below.masks)


def _bit_of(value: str, packed: str | None) -> ActivationReads:
    return ActivationReads(bits=(value,)) if packed is None else ActivationReads(masks=(packed,))
