"""Frames on the line, as tp_link.c has them; docs/device-line.md is their specification."""

import struct
import zlib
from dataclasses import dataclass
from types import ModuleType

from tinyprop.errors import UserError

VERSION = 1
HEADER = struct.Struct("<BBHBb")  # version, type, session, number, status
CRC = struct.Struct("<I")
MOST_PAYLOAD = 264
ANSWER = 0x80  # the bit that tells an answer's type from its request's


class DamagedFrame(Exception):
    """Bytes between two zeros that are no frame: the line loses and turns bits, and nobody is to blame."""


@dataclass(frozen=True)
class Frame:
    """One request or answer. status: 0 in a request; in an answer as the engine's calls return it."""

    type: int
    session: int
    number: int
    status: int = 0
    payload: bytes = b""


def encode_frame(frame: Frame) -> bytes:
    """The bytes on the line, with the zero behind them."""
    head = HEADER.pack(VERSION, frame.type, frame.session, frame.number, frame.status)
    body = head + frame.payload
    stuffed: bytes = _cobs().encode(body + CRC.pack(zlib.crc32(body)))
    return stuffed + b"\0"


def decode_frame(line: bytes) -> Frame:
    """The frame in the bytes between two zeros. Raises DamagedFrame."""
    cobs = _cobs()
    try:
        body: bytes = cobs.decode(line)
    except cobs.DecodeError as error:
        raise DamagedFrame from error
    if not HEADER.size + CRC.size <= len(body) <= HEADER.size + MOST_PAYLOAD + CRC.size:
        raise DamagedFrame
    if zlib.crc32(body[: -CRC.size]) != CRC.unpack(body[-CRC.size :])[0]:
        raise DamagedFrame
    _, kind, session, number, status = HEADER.unpack_from(body)
    return Frame(kind, session, number, status, body[HEADER.size : -CRC.size])


def _cobs() -> ModuleType:
    """Consistent Overhead Byte Stuffing (Cheshire and Baker, 1999), which leaves no zero in a frame."""
    try:
        from cobs import cobs
    except ImportError as error:
        raise UserError("the library cobs is not installed: run pip install 'tinyprop[device]'.") from error
    return cobs
