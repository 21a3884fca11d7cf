"""Telling the user how far a run is."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Report = Callable[[int, int], None]
PATIENCE_S = 1.0  # a run shorter than this shows nothing


@contextmanager
def spinner(what: str) -> Iterator[None]:
    """Says what is going on, on stderr, while it goes on and where stderr is a terminal."""
    with Console(stderr=True).status(what):
        yield


@contextmanager
def progress_report(wanted: bool | Report, what: str, total: int) -> Iterator[Report]:
    """A function (done, total) to be called as the run goes on: a bar on the terminal, the caller's own, or nothing.

    The bar appears on stderr once the run has lasted a second, and only where stderr is a terminal.
    """
    if callable(wanted):
        yield wanted
        return
    console = Console(stderr=True) if wanted else None
    if console is None or not console.is_terminal:
        yield lambda _done, _total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=console)
    task = bar.add_task(what, total=total)
    start = time.monotonic()

    def report(done: int, total: int) -> None:
        bar.update(task, completed=done, total=total)
        if time.monotonic() - start > PATIENCE_S:
            bar.start()  # a bar that runs already goes on running

    try:
        yield report
    finally:
        bar.stop()
