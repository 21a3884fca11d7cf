"""DeviceLine: requests to a device and its answers, over a line that loses, turns, repeats and delays bytes."""

import secrets
import struct
import time
from collections.abc import Callable
from dataclasses import replace
from enum import IntEnum
from typing import Any, Protocol, Self

import numpy as np

from tinyprop.checkpoint import Checkpoint, decode, encode
from tinyprop.checkpoint.format import HEADER
from tinyprop.device.frame import ANSWER, DamagedFrame, Frame, decode_frame, encode_frame
from tinyprop.device.records import Answer, DeviceFacts, answer_of, counters_of, facts_of
from tinyprop.device.status import sentence
from tinyprop.errors import UserError
from tinyprop.targets.samples import SampleCheck
from tinyprop.trace import StepTrace

PIECE = 256  # bytes of a WRITE or READ: any unit of a flash divides it
LONGEST_LINE = 1 << 16  # bytes without a zero between them: no frame comes any more


class Request(IntEnum):
    """Types, as in tp_link.h."""

    HELLO = 1
    WRITE = 2
    READ = 3
    TRAIN = 4
    INFER = 5
    COUNTERS = 6
    SAVE = 7
    LOAD = 8


SAMPLE, TRUTH, CHECKPOINT = range(3)
NO_CHECKPOINT, NO_SESSION, ROLLED_BACK = -32, -41, -51


class SerialPort(Protocol):
    """What is needed of a port: pyserial's Serial has it."""

    @property
    def in_waiting(self) -> int:
        """How many bytes have come and were not read."""

    def write(self, content: bytes, /) -> Any:
        """Sends all of it."""

    def read(self, count: int, /) -> bytes:
        """Up to so many bytes that came; none after a while of silence."""

    def close(self) -> None:
        """Gives the port back."""


class DeviceSilent(UserError):
    """No whole answer came, however often it was asked."""


class DeviceRestarted(UserError):
    """The device has no session any more: what it had not saved is gone."""


class DeviceRefused(UserError):
    """The device answered with an error. status: its code."""

    def __init__(self, what: str, status: int) -> None:
        super().__init__(f"the device refused {what}: {sentence(status)}.")
        self.status = status


class DeviceLine:
    """A session with the device at `port`. timeout_s: how long one answer may take; attempts: how often it is asked;
    clock: seconds.

    Opening it says HELLO. Raises DeviceSilent when nobody answers.
    """

    def __init__(
        self,
        port: SerialPort,
        *,
        timeout_s: float = 1.0,
        attempts: int = 5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._port, self._clock = port, clock
        self._timeout_s, self._attempts = timeout_s, attempts
        self._received = bytearray()
        self._session = 1 + secrets.randbelow(0xFFFF)
        self._number = 0
        self.retries = 0
        self.facts: DeviceFacts = facts_of(self._ask(Request.HELLO, b"", "HELLO"))

    def train(self, x: np.ndarray, truth: int | np.ndarray, rate: float) -> Answer:
        """One step on x (inputs,) and its label or target (outputs,). Raises DeviceRefused and what `_ask` does."""
        self._write(SAMPLE, np.asarray(x, "<f4").tobytes(), "a sample")
        label = 0
        if self.facts.learns_targets:
            self._write(TRUTH, np.asarray(truth, "<f4").tobytes(), "a target")
        else:
            label = int(truth)
        return answer_of(self._ask(Request.TRAIN, struct.pack("<If", label, rate), "a training step"))

    def fit(
        self, x: Any, y: Any, *, lr: float = 0.01, report: Callable[[int, int], None] = lambda done, total: None
    ) -> StepTrace:
        """One pass over x (N, inputs) and labels (N,) or targets (N, outputs), in order; a row per step that was made.

        report: told (steps done, in all). Steps that the guard takes back are in no row. Raises UserError for samples
        that the device cannot take, before the first is sent, and what `train` does.
        """
        check = SampleCheck((self.facts.inputs,), self.facts.outputs, self.facts.learns_targets)
        samples = check.samples(np.asarray(x).reshape(len(x), -1))
        truths = check.truths(y, len(samples))
        answers = []
        for number, (sample, truth) in enumerate(zip(samples, truths, strict=True)):
            try:
                answers.append(self.train(sample, truth, lr))
            except DeviceRefused as refusal:
                if refusal.status != ROLLED_BACK:
                    raise
            report(number + 1, len(samples))
        return StepTrace(
            loss=np.array([a.loss for a in answers], np.float32),
            predicted=np.array([a.predicted for a in answers], np.int64),
            skipped=np.array([a.skipped for a in answers], bool),
            kept=np.array([a.kept for a in answers], np.int64).reshape(len(answers), -1),
        )

    def infer(self, x: np.ndarray) -> np.ndarray:
        """Outputs (outputs,) float32, before any softmax, of x (inputs,). Raises DeviceRefused and what `_ask` does."""
        self._write(SAMPLE, np.asarray(x, "<f4").tobytes(), "a sample")
        self._ask(Request.INFER, b"", "an inference")
        return np.frombuffer(self._read(TRUTH, 4 * self.facts.outputs, "outputs"), "<f4").astype(np.float32)

    def counters(self) -> dict[str, int]:
        """Name → count, since the device started."""
        return counters_of(self._ask(Request.COUNTERS, b"", "its counters"))

    def save(self) -> tuple[int, int]:
        """Saves now; returns (steps, sequence) of the checkpoint. Raises DeviceRefused."""
        return self._saved(Request.SAVE, "to save")

    def load(self) -> tuple[int, int]:
        """Goes back to the newest checkpoint; returns its (steps, sequence). Raises DeviceRefused."""
        return self._saved(Request.LOAD, "to load")

    def pull(self) -> Checkpoint:
        """The newest checkpoint that the device has saved. Raises DeviceRefused where there is none."""
        return decode(self._read(CHECKPOINT, self.facts.checkpoint_bytes, "a checkpoint"), "what the device sent")

    def push(self, checkpoint: Checkpoint) -> int:
        """Makes `checkpoint` the newest of the device, which then goes on from it; returns its sequence there.

        Raises UserError where it is another program's or the firmware takes none, before anything is written.
        """
        facts = self.facts
        if not facts.has_push:
            raise UserError("this firmware takes no checkpoints: build it with -DTP_LINK_PUSH=1.")
        if (checkpoint.identity, checkpoint.state.size) != (facts.identity, facts.state_words):
            raise UserError(
                f"the checkpoint has {checkpoint.state.size} words of program {checkpoint.identity:08x}, the device "
                f"runs '{facts.name}', {facts.identity:08x} with {facts.state_words}: push one of this program."
            )
        content = encode(replace(checkpoint, sequence=self._next_sequence()))
        if len(content) != facts.checkpoint_bytes:
            raise UserError(
                f"the checkpoint has {len(content)} bytes, the device keeps {facts.checkpoint_bytes}: its firmware "
                f"saves another number of extra bytes; push one that was pulled from it."
            )
        content += b"\xff" * (-len(content) % facts.unit_bytes)
        self._write(CHECKPOINT, content, "a checkpoint")
        _, sequence = self.load()
        if sequence != decode(content).sequence:
            raise UserError("the device did not take the checkpoint, and goes on with its own: push it again.")
        return sequence

    def close(self) -> None:
        """Gives the port back; the device goes on."""
        self._port.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _next_sequence(self) -> int:
        try:
            head = self._ask(Request.READ, struct.pack("<3I", CHECKPOINT, 0, HEADER.size), "a checkpoint")
        except DeviceRefused as refusal:
            if refusal.status != NO_CHECKPOINT:
                raise
            return 1
        return (struct.unpack_from("<3I", head)[2] + 1) % 2**32

    def _saved(self, request: Request, what: str) -> tuple[int, int]:
        steps, sequence = struct.unpack("<2I", self._ask(request, b"", what))
        return steps, sequence

    def _write(self, what: int, content: bytes, name: str) -> None:
        for at in range(0, len(content), PIECE):
            self._ask(Request.WRITE, struct.pack("<2I", what, at) + content[at : at + PIECE], name)

    def _read(self, what: int, size: int, name: str) -> bytes:
        pieces = [
            self._ask(Request.READ, struct.pack("<3I", what, at, min(PIECE, size - at)), name)
            for at in range(0, size, PIECE)
        ]
        return b"".join(pieces)

    def _ask(self, request: Request, payload: bytes, what: str) -> bytes:
        """The payload of the answer. Raises DeviceSilent, DeviceRestarted, or DeviceRefused."""
        self._number = (self._number + 1) % 256
        asked = Frame(request, self._session, self._number, payload=payload)
        for attempt in range(self._attempts):
            self.retries += attempt > 0
            self._port.write(b"\0" + encode_frame(asked))  # a zero first: half a frame may lie before it
            answer = self._answer(asked)
            if answer is not None:
                break
        else:
            raise DeviceSilent(
                f"the device did not answer {self._attempts} times in {self._timeout_s:g} s each: check the port, its "
                f"baud rate, and that the firmware on it speaks the protocol of tp_link.h."
            )
        if answer.status == NO_SESSION:
            raise DeviceRestarted(
                "the device has started anew, or another host talks to it; what was not saved is gone: connect again."
            )
        if answer.status != 0:
            raise DeviceRefused(what, answer.status)
        return answer.payload

    def _answer(self, asked: Frame) -> Frame | None:
        """The answer to `asked`; None when it does not come in time. Whatever else comes is passed over."""
        deadline = self._clock() + self._timeout_s
        while self._clock() < deadline:
            line, zero, rest = self._received.partition(b"\0")
            if zero:
                self._received = bytearray(rest)
                try:
                    frame = decode_frame(bytes(line))
                except DamagedFrame:
                    continue
                if (frame.type, frame.session, frame.number) == (asked.type | ANSWER, asked.session, asked.number):
                    return frame
                continue
            if len(self._received) > LONGEST_LINE:
                self._received.clear()
            self._received += self._port.read(max(1, self._port.in_waiting))
        return None
