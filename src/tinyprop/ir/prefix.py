"""The frozen prefix: what runs before anything that learns, and the one value, the latent, that it hands on.

A latent of a sample never changes, however long the network learns: kept in place of the sample, the prefix is computed
once per sample (latent replay: Ravaglia et al., A TinyML Platform for On-Device Continual Learning with Quantized
Latent Replays, 2021, arXiv 2110.10486).
"""

from dataclasses import dataclass

from tinyprop.errors import UserError
from tinyprop.ir.graph import Node, Program, Value
from tinyprop.ir.op import LayerOp
from tinyprop.ir.train_program import TrainProgram


@dataclass(frozen=True)
class FrozenPrefix:
    """nodes: those that no step changes, in forward order. latent: the one of their values that the others read."""

    nodes: tuple[Node, ...]
    latent: Value

    def forward_macs(self, program: Program) -> int:
        """Multiply-adds of the prefix on paper: what a step from a latent leaves out of a forward pass."""
        return sum(
            node.op.macs(program.value_in(node).shape).forward for node in self.nodes if isinstance(node.op, LayerOp)
        )


def frozen_prefix(train: TrainProgram) -> FrozenPrefix | None:
    """The longest one: up to the last value before every layer that learns through which all paths lead.

    None where no layer comes before it.
    """
    program, learning = train.program, set(train.trainable)
    first = next(i for i, node in enumerate(program.nodes) if not learning.isdisjoint(node.parameters))
    position = last_meeting(program, first)
    nodes = program.nodes[:position]
    if not any(isinstance(node.op, LayerOp) for node in nodes):
        return None
    [latent] = read_across(program, position)
    return FrozenPrefix(nodes, program.values[latent])


def require_frozen_prefix(train: TrainProgram) -> FrozenPrefix:
    """`frozen_prefix`, and UserError where there is none."""
    prefix = frozen_prefix(train)
    if prefix is None:
        raise UserError(
            f"'{train.program.name}' has no frozen prefix, whose output alone feeds what learns: freeze its first "
            f"layers, as with trainable=\"last_layer\" or trainable=['head'], or leave out latent=True."
        )
    return prefix


def read_across(program: Program, position: int) -> set[str]:
    """The values written before node number `position` that nodes from there on read."""
    written = {program.input.name, *(node.output for node in program.nodes[:position])}
    return {name for node in program.nodes[position:] for name in node.inputs} & written


def last_meeting(program: Program, number: int) -> int:
    """The last position, not behind node `number`, where one value is all that the nodes from there on read."""
    return max(position for position in range(number + 1) if len(read_across(program, position)) == 1)
