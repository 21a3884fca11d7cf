"""What a device says."""

import struct
from dataclasses import dataclass

import numpy as np

HAS_TARGETS, HAS_CHECKPOINTS, HAS_PUSH, HAS_GUARD = 1, 2, 4, 8
FACTS = struct.Struct("<9I")
COUNTERS = ("frames", "damaged", "repeated", "rejected", "steps", "skipped", "refused")
GUARD_COUNTERS = (
    *("steps", "skipped", "refused", "looks", "right", "best", "saves", "failures", "rollbacks", "nonfinite"),
)


@dataclass(frozen=True)
class DeviceFacts:
    """What a device says of itself. checkpoint_bytes, unit_bytes: 0 where it keeps none."""

    name: str
    identity: int
    inputs: int
    outputs: int
    layers: int
    parameters: int
    state_words: int
    learns_targets: bool
    has_checkpoints: bool
    has_push: bool
    has_guard: bool
    checkpoint_bytes: int
    unit_bytes: int


@dataclass(frozen=True)
class Answer:
    """What one training step did, as `tp_step`. steps: that the model has behind it; kept (layers,): k of each."""

    loss: float
    predicted: int
    skipped: bool
    steps: int
    kept: np.ndarray


def facts_of(payload: bytes) -> DeviceFacts:
    """From the answer to HELLO."""
    identity, inputs, outputs, layers, parameters, words, built, checkpoint, unit = FACTS.unpack_from(payload)
    return DeviceFacts(
        name=payload[FACTS.size :].decode("ascii", "replace"),
        identity=identity,
        inputs=inputs,
        outputs=outputs,
        layers=layers,
        parameters=parameters,
        state_words=words,
        learns_targets=bool(built & HAS_TARGETS),
        has_checkpoints=bool(built & HAS_CHECKPOINTS),
        has_push=bool(built & HAS_PUSH),
        has_guard=bool(built & HAS_GUARD),
        checkpoint_bytes=checkpoint,
        unit_bytes=unit,
    )


def answer_of(payload: bytes) -> Answer:
    """From the answer to TRAIN."""
    loss, predicted, skipped, steps = struct.unpack_from("<fIII", payload)
    kept = np.frombuffer(payload[16:], dtype="<u4").astype(np.int64)
    return Answer(loss, predicted, bool(skipped), steps, kept)


def counters_of(payload: bytes) -> dict[str, int]:
    """From the answer to COUNTERS: the line's, the guard's as `guard.<name>`; what later devices add is left out."""
    words = np.frombuffer(payload, dtype="<u4").tolist()
    own, guard = words[1 : 1 + words[0]], words[1 + words[0] :]
    counted = dict(zip(COUNTERS, own, strict=False))
    return counted | {f"guard.{name}": count for name, count in zip(GUARD_COUNTERS, guard, strict=False)}
