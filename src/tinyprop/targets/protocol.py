"""The words that host and harness exchange, as harness.c defines them: 32 bits each, little-endian."""

import struct
from enum import IntEnum

import numpy as np

SENTENCE_BYTES = 256
GREETING_BYTES = 36
STATUS_BYTES = 4


class Command(IntEnum):
    """First word of a command."""

    TRAIN = 1
    INFER = 2
    GET = 3
    SET = 4
    RESET = 5
    STACK = 6
    EXPLAIN = 7
    QUIT = 8
    STATE = 9
    RESTORE = 10
    PART = 11


def order(command: Command, count: int = 0, rate: float = 0.0) -> bytes:
    """The head of a command."""
    return struct.pack("<IIf", command, count & 0xFFFF_FFFF, rate)


def lessons(samples: np.ndarray, truths: np.ndarray) -> bytes:
    """n × {truth, x[inputs]} from samples (n, inputs) and labels (n,) uint32 or targets (n, outputs) float32."""
    words = [part.reshape(len(samples), -1).view(np.uint32) for part in (truths, samples)]
    return np.concatenate(words, axis=1).astype("<u4").tobytes()


def train_answer(layers: int) -> np.dtype[np.void]:
    """One row of TRAIN's answer."""
    return np.dtype(
        [
            ("status", "<i4"),
            ("loss", "<f4"),
            ("predicted", "<u4"),
            ("skipped", "<u4"),
            ("ticks", "<u4"),
            ("kept", "<u4", (layers,)),
        ]
    )


def infer_answer(outputs: int) -> np.dtype[np.void]:
    """One row of INFER's answer."""
    return np.dtype([("status", "<i4"), ("ticks", "<u4"), ("y", "<f4", (outputs,))])
