"""Independent jobs in a few processes."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, as_completed
from typing import TypeVar

Result = TypeVar("Result")


def in_parallel(jobs: Iterable["Future[Result]"], report: Callable[[int, int], None]) -> list[Result]:
    """Results in the order of submission; the first failure ends the rest. report: told (jobs done, jobs in all)."""
    futures = list(jobs)
    report(0, len(futures))
    try:
        for done, future in enumerate(as_completed(futures), start=1):
            future.result()
            report(done, len(futures))
    except BaseException:
        for future in futures:
            future.cancel()
        raise
    return [future.result() for future in futures]
