"""Machine: something that runs firmware and is talked to over its two streams."""

from abc import ABC, abstractmethod

from tinyprop.errors import InternalError


class DeviceFault(InternalError):
    """The firmware touched memory that is not there, stopped answering, or ended by itself."""


class Machine(ABC):
    """A powered board. Its life goes on from one exchange to the next, until `close`."""

    @abstractmethod
    def exchange(self, command: bytes, answer_bytes: int) -> bytes:
        """Sends `command`, lets the firmware run until it has answered, returns its `answer_bytes`.

        Raises DeviceFault when it does not.
        """

    @abstractmethod
    def close(self) -> None:
        """Power off. Closing twice is allowed."""
