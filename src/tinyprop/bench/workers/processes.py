"""Processes of this machine."""

import multiprocessing
import multiprocessing.connection
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from threading import Thread
from typing import Any

from tinyprop.bench.workers.workers import Lost, Workers
from tinyprop.errors import UserError

TRIES = 2  # processes a job may end before it is given up


class Processes(Workers):
    """`count` pools of one process each: a pool of several ends all of its processes when one dies.

    count: 1 or more. Raises UserError for any other.
    """

    def __init__(self, count: int) -> None:
        if count < 1:
            raise UserError(f"{count} processes cannot run anything: choose 1 or more.")
        self._idle = [_process() for _ in range(count)]

    def each(self, function: Callable[..., Any], jobs: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        waiting = deque((number, TRIES) for number in range(len(jobs)))
        running: dict[Future[Any], tuple[ProcessPoolExecutor, int, int]] = {}
        try:
            while waiting or running:
                while waiting and self._idle:
                    number, tries = waiting.popleft()
                    pool, future = _started(self._idle.pop(), function, jobs[number])
                    running[future] = pool, number, tries
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    pool, number, tries = running.pop(future)
                    died = isinstance(future.exception(), BrokenProcessPool)
                    self._idle.append(_replaced(pool) if died else pool)
                    if died and tries > 1:
                        waiting.append((number, tries - 1))
                    else:
                        yield number, Lost("its process died, out of memory perhaps") if died else future.result()
        finally:
            self._idle += [_replaced(pool) for pool, _, _ in running.values()]

    def __exit__(self, *_: object) -> None:
        for pool in self._idle:
            pool.shutdown(wait=False, cancel_futures=True)


def _process() -> ProcessPoolExecutor:
    spawn = multiprocessing.get_context("spawn")  # forking a process in which torch has run may hang
    return ProcessPoolExecutor(1, mp_context=spawn, initializer=_end_with_parent)


def _end_with_parent() -> None:
    """From now on this process ends when the one that started it does, even in the middle of a job nobody waits for."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def _replaced(pool: ProcessPoolExecutor) -> ProcessPoolExecutor:
    pool.shutdown(wait=False, cancel_futures=True)
    return _process()


def _started(
    pool: ProcessPoolExecutor, function: Callable[..., Any], job: tuple[Any, ...]
) -> tuple[ProcessPoolExecutor, Future[Any]]:
    """The job, in `pool` or, where its process died while it had nothing to do, in another one."""
    try:
        return pool, pool.submit(function, *job)
    except BrokenProcessPool:
        pool = _replaced(pool)
        return pool, pool.submit(function, *job)
