"""Checkpoints: the bytes that a device saves, read and written in Python."""

from tinyprop.checkpoint.format import Checkpoint, decode, encode, find_checkpoints
from tinyprop.checkpoint.values import StateValues, checkpoint_of, values_of

__all__ = ["Checkpoint", "StateValues", "checkpoint_of", "decode", "encode", "find_checkpoints", "values_of"]
