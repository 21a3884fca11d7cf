"""Progress of commands that run in stages: one bar per stage, with the time that remains."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Advance = Callable[[str, int, int], None]


@contextmanager
def stage_progress(console: Console) -> Iterator[Advance]:
    """A function (stage, done, in all); a stage's bar appears when it is first told of."""
    left, right = TextColumn("{task.description:<20}"), (TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    with Progress(left, BarColumn(), MofNCompleteColumn(), *right, console=console) as bars:
        tasks = {}

        def advance(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield advance
