"""Own data as a table of windows: a CSV file with one row for each sample.

    label,group,ax_0,ax_1,ax_2,ay_0,ay_1,ay_2
    walk,anna,0.1,0.2,0.1,9.8,9.7,9.8

`label` is the class. `group` (who or what was recorded) and `part` (train, validation or test) may be left out. All
other columns are numbers: named `<channel>_<index>`, from 0 on and of one length in every channel, they are a window;
named otherwise, features.
"""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tinyprop.data.own.given import PARTS, Given, own_data_set
from tinyprop.data.samples import DataSet
from tinyprop.errors import UserError

LABEL, GROUP, PART = "label", "group", "part"
INDEXED = re.compile(r"(.+)_(\d+)")


def from_window_csv(path: str | Path, *, name: str | None = None) -> DataSet:
    """x (N, channels, length) for windows, channels in the order they first appear; (N, features) for features.

    Raises UserError for a row that is too long or too short or holds what is no number (it names the line), for
    channels of different lengths, and as `from_arrays` does.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [(reader.line_num, row) for reader in [csv.reader(file)] for row in reader if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"'{path}' cannot be read as a CSV file ({error}).") from error
    if len(rows) < 2:
        raise UserError(f"'{path}' holds no sample: it needs a row of names and a row for each sample.")
    header = [field.strip() for field in rows[0][1]]
    values = _value_columns(path, header)
    order, shape = _window(path, [header[column] for column in values])
    table = _numbers(path, header, rows[1:], [values[column] for column in order])
    text = {field: np.array([row[header.index(field)].strip() for _, row in rows[1:]]) for field in _words(header)}
    parts = text.get(PART, np.full(len(table), "train"))
    strange = sorted(set(parts.tolist()) - set(PARTS))
    if strange or "train" not in parts:
        raise UserError(f"'{path}': column '{PART}' holds '{(strange or ['no train'])[0]}': write {', '.join(PARTS)}.")
    given = {}
    for part in PARTS:
        rows_of = parts == part
        if rows_of.any():
            group = text[GROUP][rows_of] if GROUP in text else None
            given[part] = Given(table[rows_of].reshape(-1, *shape), text[LABEL][rows_of], group)
    return own_data_set(name or path.stem, given)


def _words(header: Sequence[str]) -> list[str]:
    return [field for field in (LABEL, GROUP, PART) if field in header]


def _value_columns(path: Path, header: Sequence[str]) -> list[int]:
    twice = sorted({field for field in header if header.count(field) > 1})
    if twice or LABEL not in header:
        fault = f"has '{twice[0]}' twice" if twice else f"has no '{LABEL}'"
        raise UserError(f"the first row of '{path}' {fault}: name each column once, and one of them '{LABEL}'.")
    values = [index for index, field in enumerate(header) if field not in (LABEL, GROUP, PART)]
    if not values:
        raise UserError(f"'{path}' has no column of numbers beside {', '.join(_words(header))}.")
    return values


def _window(path: Path, names: Sequence[str]) -> tuple[list[int], tuple[int, ...]]:
    """Positions in `names` in the order of channel and index, and the shape of a sample."""
    matches = [INDEXED.fullmatch(field) for field in names]
    if not any(matches):
        return list(range(len(names))), (len(names),)
    plain = [field for field, match in zip(names, matches, strict=True) if match is None]
    if plain:
        raise UserError(
            f"'{path}': column '{plain[0]}' has no index, others have one, such as "
            f"'{next(match[0] for match in matches if match)}': name all of them <channel>_<index>, or none."
        )
    channels: dict[str, dict[int, int]] = {}
    for position, match in enumerate(matches):
        assert match is not None
        channels.setdefault(match[1], {})[int(match[2])] = position
    length = max(map(len, channels.values()))
    for channel, indices in channels.items():
        if set(indices) != set(range(length)):
            raise UserError(
                f"'{path}': channel '{channel}' has {len(indices)} columns, with indices {min(indices)} to "
                f"{max(indices)}: every channel needs {channel}_0 to {channel}_{length - 1}, each once."
            )
    order = [indices[index] for indices in channels.values() for index in range(length)]
    return order, (len(channels), length)


def _numbers(
    path: Path, header: Sequence[str], rows: Sequence[tuple[int, list[str]]], columns: Sequence[int]
) -> np.ndarray:
    for line, row in rows:
        if len(row) != len(header):
            raise UserError(f"'{path}', line {line}: {len(row)} fields, the first row names {len(header)}.")
    table = np.empty((len(rows), len(columns)), np.float32)
    for index, (line, row) in enumerate(rows):
        try:
            table[index] = [float(row[column]) for column in columns]
        except ValueError:
            fault = next(column for column in columns if not _is_number(row[column]))
            raise UserError(
                f"'{path}', line {line}: '{header[fault]}' is '{row[fault]}', which is no number: mend it, or leave "
                "the line out."
            ) from None
    return table


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
