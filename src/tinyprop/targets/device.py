"""DeviceEngine: a network in firmware on a machine that is talked to over two streams."""

import struct
from collections.abc import Callable

import numpy as np

from tinyprop.errors import InternalError, UserError
from tinyprop.targets import protocol
from tinyprop.targets.engine import Engine, Facts
from tinyprop.targets.firmware import Firmware
from tinyprop.targets.machine import Machine
from tinyprop.targets.part import Part
from tinyprop.targets.protocol import Command
from tinyprop.trace import StepTrace

LARGEST_CHUNK = 64  # samples per exchange
PIPE_BYTES = (
    32_768  # half of what a pipe holds: all answers of an exchange fit, so that neither side waits for the other
)


class DeviceEngine(Engine):
    """The network in `firmware` on the machine that power_on starts. flash_bytes, ram_bytes: of the linked image."""

    def __init__(
        self, firmware: Firmware, input_shape: tuple[int, ...], power_on: Callable[[Firmware], Machine]
    ) -> None:
        self.firmware = firmware
        self.flash_bytes = firmware.flash_bytes
        self.ram_bytes = firmware.ram_bytes
        self._power_on = power_on
        self._machine: Machine | None = power_on(firmware)
        try:
            facts = self._greet()
            answer_bytes = 64 + 4 * (max(facts.outputs, firmware.latent_size) + facts.layers)
            chunk = max(1, min(LARGEST_CHUNK, PIPE_BYTES // answer_bytes))
            super().__init__(
                facts, input_shape, target=firmware.board.name, chunk=chunk, latent_size=firmware.latent_size
            )
        except Exception:
            self.close()
            raise

    def parameters(self) -> np.ndarray:
        answer = self._exchange(protocol.order(Command.GET), 4 * self.facts.parameters)
        return np.frombuffer(answer, dtype="<f4").astype(np.float32)

    def reset(self) -> None:
        self._demand(self._exchange(protocol.order(Command.RESET), protocol.STATUS_BYTES))
        self._chosen = Part.WHOLE

    def restart(self) -> None:
        """Power off and on: for a board that went off after a fault. All that was learned and counted is gone."""
        self.close()
        self._machine = self._power_on(self.firmware)
        self._greet()

    def stack_bytes(self) -> int:
        """Deepest stack of the training steps so far, in bytes."""
        return int(struct.unpack("<I", self._exchange(protocol.order(Command.STACK), 4))[0])

    def infer_instructions(self, x: np.ndarray) -> np.ndarray:
        """Instructions (N,) of one inference for each sample of x (N, *input_shape). Raises UserError."""
        samples = self._check.samples(x)
        parts = [self._infer_rows(samples[i : i + self._chunk]) for i in range(0, len(samples), self._chunk)]
        return np.concatenate(parts)["ticks"].astype(np.int64)

    def close(self) -> None:
        if self._machine is not None:
            self._machine.close()
            self._machine = None

    def _exchange(self, command: bytes, answer_bytes: int) -> bytes:
        if self._machine is None:
            raise UserError("this engine is closed: build another one.")
        return self._machine.exchange(command, answer_bytes)

    def _greet(self) -> Facts:
        self._chosen = Part.WHOLE
        words = struct.unpack("<8Ii", self._exchange(b"", protocol.GREETING_BYTES))
        self._demand(struct.pack("<i", words[8]))
        inputs, outputs, layers, parameters, memory_bytes, state_words, identity, learns_targets = words[:8]
        return Facts(
            inputs,
            outputs,
            layers,
            parameters,
            memory_bytes,
            state_words,
            identity,
            learns_targets=bool(learns_targets),
        )

    def _train(self, samples: np.ndarray, truths: np.ndarray, rate: float) -> tuple[StepTrace, int]:
        self._choose_part()
        row = protocol.train_answer(self.facts.layers)
        command = protocol.order(Command.TRAIN, len(samples), rate) + protocol.lessons(samples, truths)
        answer = np.frombuffer(self._exchange(command, row.itemsize * len(samples)), dtype=row)
        failed = np.flatnonzero(answer["status"])
        done = answer[: failed[0]] if failed.size else answer
        trace = StepTrace(
            loss=done["loss"].astype(np.float32),
            predicted=done["predicted"].astype(np.int64),
            skipped=done["skipped"].astype(bool),
            kept=done["kept"].astype(np.int64),
            instructions=done["ticks"].astype(np.int64),
        )
        return trace, int(answer["status"][failed[0]]) if failed.size else 0

    def _choose_part(self) -> None:
        """Only firmware with latents has a choice, and knows the command."""
        if self._chosen is not self._part:
            self._demand(self._exchange(protocol.order(Command.PART, self._part), protocol.STATUS_BYTES))
            self._chosen = self._part

    def _infer(self, samples: np.ndarray) -> tuple[np.ndarray, int]:
        answer = self._infer_rows(samples)
        failed = np.flatnonzero(answer["status"])
        if failed.size:
            return answer["y"][: failed[0]].astype(np.float32), int(answer["status"][failed[0]])
        return answer["y"].astype(np.float32), 0

    def _infer_rows(self, samples: np.ndarray) -> np.ndarray:
        self._choose_part()
        row = protocol.infer_answer(self._outputs)
        command = protocol.order(Command.INFER, len(samples)) + samples.astype("<f4").tobytes()
        return np.frombuffer(self._exchange(command, row.itemsize * len(samples)), dtype=row)

    def _set_parameters(self, values: np.ndarray) -> None:
        command = protocol.order(Command.SET) + values.astype("<f4").tobytes()
        self._demand(self._exchange(command, protocol.STATUS_BYTES))

    def _state(self) -> np.ndarray:
        answer = self._exchange(protocol.order(Command.STATE), 4 * self.facts.state_words)
        return np.frombuffer(answer, dtype="<u4").astype(np.uint32)

    def _set_state(self, state: np.ndarray) -> None:
        command = protocol.order(Command.RESTORE) + state.astype("<u4").tobytes()
        self._demand(self._exchange(command, protocol.STATUS_BYTES))

    def _explain(self, status: int) -> str:
        answer = self._exchange(protocol.order(Command.EXPLAIN, status), protocol.SENTENCE_BYTES)
        return answer.rstrip(b"\0").decode()

    def _demand(self, answer: bytes) -> None:
        status = struct.unpack("<i", answer)[0]
        if status != 0:
            raise InternalError(f"the firmware refused a checked call: {self._explain(status)}.")
