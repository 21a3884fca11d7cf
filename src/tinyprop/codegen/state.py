"""What a checkpoint of a network means: which word is which weight, velocity or memory of a rule.

The engine saves the first words of a network's memory as they are. This record says what they are; its identity is
compiled into the network, so that the words of another one are never taken for its own.
"""

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod

import msgspec
import numpy as np

from tinyprop.codegen.layout import dense_weights, to_engine
from tinyprop.ir.train_program import BackwardStep, TrainProgram
from tinyprop.methods.spec import Selection


@dataclass(frozen=True)
class StateTensor:
    """A parameter that learns. shape: as in the state_dict; transposed: stored the other way round, [input][output]."""

    name: str
    shape: tuple[int, ...]
    transposed: bool

    @property
    def words(self) -> int:
        """How many float32 values it has."""
        return prod(self.shape)


@dataclass(frozen=True)
class StateLayout:
    """The state of one network: tensors, one behind the other; with `momentum` the velocity of each, in the same order;
    then what the rules have left of errors; then a word for the rule that skips and one per layer with weights.

    memories: what these last words are, "" where the rule remembers nothing. frozen: CRC-32 of each weight that no step
    changes, by name, as `frozen_crc32` has it; they are not in a checkpoint. residuals: layer → how many floats its
    rule has left of errors, of those that remember any. identity: equal where a checkpoint may be carried over; 32 bits
    of a SHA-256 over the network's operators, what learns, the kinds of rules, residuals and all frozen weights. Not
    part of it: values of weights that learn, settings, learning rates, how it was compiled, its name.
    """

    name: str
    identity: int
    tensors: tuple[StateTensor, ...]
    momentum: bool
    memories: tuple[str, ...]
    frozen: Mapping[str, int]
    residuals: Mapping[str, int] = field(default_factory=dict)

    @property
    def parameters(self) -> int:
        """How many values learn."""
        return sum(tensor.words for tensor in self.tensors)

    @property
    def moving(self) -> int:
        """How many velocities there are."""
        return self.parameters if self.momentum else 0

    @property
    def floats(self) -> int:
        """How many words are float32 values, all finite: weights, velocities and residuals."""
        return self.parameters + self.moving + sum(self.residuals.values())

    @property
    def words(self) -> int:
        """How many 32-bit words a checkpoint keeps, STATE_WORDS of the generated header."""
        return self.floats + len(self.memories)


def state_layout(train: TrainProgram) -> StateLayout:
    """The state of the network that is generated from `train`."""
    transposed = dense_weights(train.program)
    tensors = tuple(
        StateTensor(name, train.program.parameters[name].shape, name in transposed) for name in train.trainable
    )
    rules = _selections(train)
    memories = (train.spec.skip.memory, *("" if rule is None else rule.memory for rule in rules))
    meaning = (
        "tinyprop state 1",
        *str(train.program).splitlines()[1:],
        f"learns {' '.join(train.trainable)}",
        f"momentum {bool(train.optimizer.momentum)}",
        f"rules {' '.join(type(rule).__name__ for rule in (train.spec.skip, *rules))}",
    )
    if residuals := train.residuals:
        meaning += (f"residuals {residuals}",)
    digest = hashlib.sha256("\n".join(meaning).encode())
    digest.update(to_engine(train.program, train.program.parameters, train.frozen).astype("<f4").tobytes())
    identity = int.from_bytes(digest.digest()[:4], "little")
    frozen = {name: frozen_crc32(train.program.parameters[name]) for name in train.frozen}
    return StateLayout(
        train.program.name, identity, tensors, bool(train.optimizer.momentum), memories, frozen, residuals
    )


def frozen_crc32(array: np.ndarray) -> int:
    """CRC-32 of a weight in PyTorch's layout, float32, little-endian."""
    return zlib.crc32(np.ascontiguousarray(array, "<f4").tobytes())


def _selections(train: TrainProgram) -> list[Selection | None]:
    by_layer = {step.layer: step.selection for step in train.steps if isinstance(step, BackwardStep)}
    return [by_layer.get(layer) for layer in range(len(train.program.layers))]


def state_json(layout: StateLayout) -> str:
    """The layout as the file NAME_state.json of an exported project."""
    return msgspec.json.format(msgspec.json.encode(layout)).decode() + "\n"
