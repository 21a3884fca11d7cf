"""The bytes of a checkpoint, as tp_checkpoint.c writes them; docs/checkpoint-format.md is their specification."""

import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from tinyprop.errors import UserError

MAGIC = 0x4B43_5054  # b"TPCK", little-endian
VERSION = 1
HEADER = struct.Struct("<8I")  # magic, version, sequence, identity, state words, extra bytes, steps, CRC-32
MOST = 2**32


@dataclass(frozen=True)
class Checkpoint:
    """What a device saved. sequence: grows with each save; identity: of the program it belongs to, `StateLayout`;
    steps: the device's count; state (W,) uint32: its words as they are; extra: what the firmware saved beside them."""

    sequence: int
    identity: int
    steps: int
    state: np.ndarray
    extra: bytes = b""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Checkpoint) and encode(self) == encode(other)

    def __hash__(self) -> int:
        return hash(encode(self))


def encode(checkpoint: Checkpoint) -> bytes:
    """The bytes, header first. Raises UserError for a count that does not fit 32 bits."""
    for name in ("sequence", "identity", "steps"):
        if not 0 <= getattr(checkpoint, name) < MOST:
            raise UserError(f"{name} is {getattr(checkpoint, name)}: a checkpoint holds numbers from 0 to {MOST - 1}.")
    state = np.ascontiguousarray(checkpoint.state, dtype="<u4").tobytes()
    head = (MAGIC, VERSION, checkpoint.sequence, checkpoint.identity, len(state) // 4, len(checkpoint.extra))
    sealed = struct.pack("<7I", *head, checkpoint.steps)
    crc = zlib.crc32(sealed + state + checkpoint.extra)
    return sealed + struct.pack("<I", crc) + state + checkpoint.extra


def decode(content: bytes, name: str = "this") -> Checkpoint:
    """The checkpoint that `content` begins with; what lies behind it, as in a dump of a whole slot, is not looked at.

    name: of the file, for what errors say. Raises UserError where there is none, or where it is damaged.
    """
    if len(content) < HEADER.size:
        raise UserError(f"{name} has {len(content)} bytes, less than the {HEADER.size} of a checkpoint's header.")
    magic, version, sequence, identity, words, extra_bytes, steps, crc = HEADER.unpack_from(content)
    if magic != MAGIC:
        raise UserError(
            f"{name} is no checkpoint: it does not begin with the bytes TPCK. Pull it from the device again."
        )
    if version != VERSION:
        raise UserError(f"{name} is a checkpoint of format {version}, this tinyprop reads {VERSION}: update tinyprop.")
    end = HEADER.size + 4 * words + extra_bytes
    if len(content) < end:
        raise UserError(f"{name} ends after {len(content)} of {end} bytes: pull it from the device again.")
    body = content[HEADER.size : end]
    if zlib.crc32(content[: HEADER.size - 4] + body) != crc:
        raise UserError(f"{name} is damaged, its CRC does not match: pull it from the device again.")
    state = np.frombuffer(body[: 4 * words], dtype="<u4").astype(np.uint32)
    state.setflags(write=False)
    return Checkpoint(sequence, identity, steps, state, body[4 * words :])


def find_checkpoints(content: bytes) -> dict[int, Checkpoint]:
    """Offset → checkpoint, of all whole ones in a dump of a flash, whatever lies between them."""
    found: dict[int, Checkpoint] = {}
    mark = struct.pack("<I", MAGIC)
    at = content.find(mark)
    while at >= 0:
        with suppress(UserError):  # four bytes that only look like the beginning of one
            found[at] = decode(content[at:])
        at = content.find(mark, at + 1)
    return found
