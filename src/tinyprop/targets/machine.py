"""Machine: something that runs firmware and is talked to over its two streams."""

from abc import ABC, abstractmethod

from tinyprop.errors import InternalError


class DeviceFault(InternalError):
    """The firmware touched memory that is not there, stopped answering, or ended by itself."""


class Machine(ABC):
    """A powered board. Its life goes on from one exchange to the next, until `close` or a fault."""

    _stopped = ""  # why it cannot go on

    def exchange(self, command: bytes, answer_bytes: int) -> bytes:
        """Sends `command`, lets the firmware run until it has answered, returns its `answer_bytes`.

        Raises DeviceFault when it does not. After that, and after Ctrl-C in the middle, the machine is off.
        """
        if self._stopped:
            raise DeviceFault(f"the emulated board is off ({self._stopped}): restart() switches it on again.")
        try:
            return self._exchange(command, answer_bytes)
        except BaseException as error:
            self._stopped = str(error).rstrip(".") or type(error).__name__
            self.close()
            raise

    @abstractmethod
    def _exchange(self, command: bytes, answer_bytes: int) -> bytes:
        """The exchange itself; any exception means that the firmware is in an unknown state."""

    @abstractmethod
    def close(self) -> None:
        """Power off. Closing twice is allowed."""
