"""`tinyprop data`: which data sets are here, fetching them, and what one holds."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from tinyprop.bench.atomic_file import write_whole
from tinyprop.data import DATA_SETS, Report, fetch, find, load, loader_named
from tinyprop.data.finding import how_to_get, official
from tinyprop.data.samples import DataSet
from tinyprop.errors import UserError


class DataSetRow(msgspec.Struct, frozen=True):
    """One line of the list. here: the source found on this machine, None where there is none.

    filed_as: the name its results bear; stands_in_for: the set it must not be reported as. Both are of what is here.
    download_bytes: 0 where nothing needs to be downloaded. unverified: files whose hash only a first use vouches for.
    """

    name: str
    title: str
    summary: str
    here: str | None
    filed_as: str | None
    stands_in_for: str | None
    download_bytes: int
    unverified: tuple[str, ...]
    how_to_get: str | None


class PartRow(msgspec.Struct, frozen=True):
    """One part. per_class: the fewest and the most samples of a class; groups: how many, 0 where there are none."""

    samples: int
    per_class: tuple[int, int]
    groups: int
    minimum: float
    maximum: float


class DataSetCard(msgspec.Struct, frozen=True):
    """What a data set holds. parts: by name."""

    name: str
    title: str
    summary: str
    source: str
    stands_in_for: str | None
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    parts: dict[str, PartRow]


def data_list_command(console: Console, *, json_path: Path | None) -> int:
    """Prints every data set, and where it was found or how to get it. Exit status 0."""
    rows = rows_of_table()
    table = Table(title="Data sets", title_justify="left")
    for column in ("name", "what it is", "download", "on this machine"):
        justify: Literal["left", "right"] = "right" if column == "download" else "left"
        table.add_column(column, no_wrap=column in ("name", "download"), justify=justify)
    for row in rows:
        size = f"{row.download_bytes / 1e6:,.0f} MB" if row.download_bytes else "–"
        table.add_row(row.name, row.summary, size, _where(row))
    console.print(table)
    console.print("tinyprop data fetch NAME downloads, tinyprop data show NAME says what is in one.", highlight=False)
    _write(console, json_path, rows)
    return 0


def data_fetch_command(console: Console, name: str, given: tuple[str, ...] = ()) -> int:
    """Downloads with a bar for each file; prints where they are. given: settings, such as "machine=fan".

    Exit status 0. Raises UserError as `fetch` does.
    """
    settings = settings_of(given)
    loader = loader_named(name, **settings)
    if official(loader) is None:
        console.print(f"{name} comes with a library that is installed: nothing to download.", highlight=False)
        return 0
    with _download_bars() as report:
        paths = fetch(name, report, **settings)
    for path in paths:
        console.print(f"verified: {path}", highlight=False, soft_wrap=True)
    return 0


def data_show_command(console: Console, name: str, given: tuple[str, ...] = (), *, json_path: Path | None) -> int:
    """Loads a data set and prints what is in it. given: settings, such as "side=32".

    Exit status 0. Raises UserError as `load` does.
    """
    card = card_of(load(name, **settings_of(given)))
    table = Table(title=f"{card.title}: {card.summary}", title_justify="left")
    for column in ("part", "samples", "per class", "groups", "range"):
        table.add_column(column, justify="left" if column == "part" else "right", no_wrap=True)
    for part, row in card.parts.items():
        fewest, most = row.per_class
        spread = "–" if not card.classes else f"{fewest:,}" if fewest == most else f"{fewest:,} to {most:,}"
        groups = f"{row.groups}" if row.groups else "–"
        table.add_row(part, f"{row.samples:,}", spread, groups, f"{row.minimum:.3g} … {row.maximum:.3g}")
    console.print(table)
    console.print(f"source: {card.source}; results are filed as {card.name}", highlight=False)
    if card.stands_in_for is not None:
        console.print(
            f"[bold]a stand-in for {card.stands_in_for}: results on it are not {card.stands_in_for}'s[/bold]",
            highlight=False,
        )
    console.print(f"a sample: {' × '.join(map(str, card.shape))}, float32", highlight=False)
    console.print(f"{len(card.classes)} classes: {', '.join(card.classes)}", highlight=False)
    _write(console, json_path, card)
    return 0


def settings_of(given: tuple[str, ...]) -> dict[str, Any]:
    """Settings by name from "name=value": a whole number, None, several values with commas between them, or text.

    Raises UserError.
    """
    settings: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise UserError(f"'{text}' is no setting: write one as side=32.")
        if name in settings:
            raise UserError(f"'{name}' is given twice: give it once.")
        settings[name] = _value(value)
    return settings


def _value(text: str) -> Any:
    if text == "None":
        return None
    if "," in text:
        return tuple(text.split(","))
    return int(text) if text.isdecimal() else text


def rows_of_table() -> tuple[DataSetRow, ...]:
    """One row for each line of DATA_SETS; nothing is read but what tells whether files are there."""
    return tuple(map(_row, DATA_SETS))


def card_of(data: DataSet) -> DataSetCard:
    """What is in each part."""
    parts = {}
    for part, samples in data.parts.items():
        counts = np.bincount(samples.y, minlength=len(data.classes)) if data.classes else np.zeros(1, int)
        groups = 0 if samples.group is None else len(np.unique(samples.group))
        bounds = float(samples.x.min()), float(samples.x.max())
        parts[part] = PartRow(len(samples), (int(counts.min()), int(counts.max())), groups, *bounds)
    about = (data.name, data.title, data.summary, data.source, data.stands_in_for)
    return DataSetCard(*about, data.shape, data.classes, parts)


def _row(name: str) -> DataSetRow:
    loader = loader_named(name)
    found, download = find(loader), official(loader)
    edition = found.edition if found is not None else None
    files = download.files if download is not None else ()
    return DataSetRow(
        name=name,
        title=loader.title,
        summary=loader.summary,
        here=edition.source if edition is not None else None,
        filed_as=edition.name if edition is not None else None,
        stands_in_for=edition.stands_in_for if edition is not None else None,
        download_bytes=sum(file.size or 0 for file in files),
        unverified=tuple(file.name for file in files if file.known_hash is None),
        how_to_get=how_to_get(loader) if edition is None else None,
    )


def _where(row: DataSetRow) -> str:
    if row.here is None:
        return f"no: tinyprop data fetch {row.name}"
    if row.stands_in_for is not None:
        return f"a stand-in, {row.filed_as} ({row.here})"
    return row.here if row.filed_as == row.name else f"{row.filed_as} ({row.here})"


@contextmanager
def _download_bars() -> Iterator[Report]:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bars:
        tasks = {}

        def report(file: str, done: int, total: int) -> None:
            if file not in tasks:
                tasks[file] = bars.add_task(file)
            bars.update(tasks[file], completed=done, total=total or None)

        yield report


def _write(console: Console, json_path: Path | None, content: object) -> None:
    if json_path is not None:
        write_whole(json_path, msgspec.json.format(msgspec.json.encode(content)) + b"\n")
        console.print(f"written: {json_path}", highlight=False)
