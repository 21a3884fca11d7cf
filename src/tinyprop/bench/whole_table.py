"""A table of figures as wide as they are: cut off, a number is another number."""

from rich.console import Console
from rich.table import Table

_WIDE = 10_000  # wider than any table


def print_whole(console: Console, table: Table) -> None:
    """Prints `table` at its own width where the console is narrower, as that of a file or a pipe is."""
    narrow = console.width
    try:
        console.width = _WIDE
        console.width = max(narrow, console.measure(table).maximum)
        console.print(table)
    finally:
        console.width = narrow
