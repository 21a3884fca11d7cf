"""Telling the user how far a run is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Report = Callable[[int, int], None]


@contextmanager
def progress_report(wanted: bool | Report, what: str, total: int) -> Iterator[Report]:
    """A function (done, total) to be called as the run goes on: a bar on the terminal, the caller's own, or nothing."""
    if callable(wanted):
        yield wanted
    elif wanted:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns) as bar:
            task = bar.add_task(what, total=total)
            yield lambda done, _total: bar.update(task, completed=done)
    else:
        yield lambda _done, _total: None
