"""Jobs for whoever computes; a worker that dies costs the job it had, which is given to another one."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Lost:
    """What comes of a job that ended every process it ran in; reason: for people, without a full stop."""

    reason: str


class Workers(AbstractContextManager["Workers"], ABC):
    """Use them in `with`: leaving it lets them go."""

    @abstractmethod
    def each(self, function: Callable[..., Any], jobs: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        """(number of the job, function(*job) or Lost) as they end. An exception of `function` ends the iteration.

        function: of a module that workers can import; it must give the same wherever it runs.
        """
