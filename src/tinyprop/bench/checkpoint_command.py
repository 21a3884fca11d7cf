"""`tinyprop checkpoint`: what a device saved, shown, compared with another one, or as safetensors."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np
from rich.console import Console
from rich.table import Table

from tinyprop.bench.atomic_file import write_whole
from tinyprop.checkpoint import Checkpoint, decode, encode, find_checkpoints, values_of
from tinyprop.checkpoint.layout_file import read_layout
from tinyprop.checkpoint.safetensors_file import from_safetensors, to_safetensors
from tinyprop.codegen.state import StateLayout
from tinyprop.errors import UserError

SAFETENSORS = ".safetensors"
BLOCK_BYTES = (4096, 2048, 128)  # of flashes, to say how much of one a save has to write


def show_command(console: Console, path: Path, *, layout_path: Path | None, json_path: Path | None) -> int:
    """Every whole checkpoint in the file: a pulled one, or a dump of the flash. Raises UserError where none is."""
    content = _read(path)
    found = find_checkpoints(content) or {0: decode(content, f"'{path}'")}
    layout = None if layout_path is None else read_layout(layout_path)
    rows = [_facts(at, checkpoint, layout) for at, checkpoint in found.items()]
    for row, checkpoint in zip(rows, found.values(), strict=True):
        _print_head(console, row)
        if layout is not None:
            values = values_of(checkpoint, layout)
            console.print(_arrays_table("weight", values.weights))
            if values.residuals:
                console.print(_arrays_table("what selections remember", values.residuals))
    _write_json(console, json_path, {"file": path.name, "checkpoints": rows})
    return 0


def diff_command(
    console: Console, first: Path, second: Path, *, layout_path: Path | None, json_path: Path | None
) -> int:
    """How the second differs from the first. Exit status 1 where it does, as diff has it. Raises UserError."""
    one, other = (_checkpoint(path) for path in (first, second))
    if (one.identity, one.state.size) != (other.identity, other.state.size):
        raise UserError(
            f"'{first}' is of program {one.identity:08x}, '{second}' of {other.identity:08x}: compare two of one."
        )
    layout = None if layout_path is None else read_layout(layout_path)
    changed = one.state != other.state
    row: dict[str, object] = {
        "sequence": [one.sequence, other.sequence],
        "steps": [one.steps, other.steps],
        "words": changed.size,
        "changed": int(changed.sum()),
        "extra_differs": one.extra != other.extra,
        "blocks_changed": {str(size): _blocks_changed(one, other, size) for size in BLOCK_BYTES},
    }
    console.print(
        f"steps {one.steps:,} → {other.steps:,}, sequence {one.sequence} → {other.sequence}: "
        f"{int(changed.sum()):,} of {changed.size:,} words differ"
        + (", and the extra bytes" if one.extra != other.extra else ""),
        highlight=False,
    )
    if layout is not None:
        row["tensors"] = rows = _changes(one, other, layout)
        console.print(_changes_table(rows))
    _write_json(console, json_path, row)
    return int(bool(changed.any()) or one.extra != other.extra)


def convert_command(console: Console, source: Path, target: Path, *, layout_path: Path) -> int:
    """Between a checkpoint and safetensors, by their suffixes. Raises UserError."""
    if (source.suffix == SAFETENSORS) == (target.suffix == SAFETENSORS):
        raise UserError(f"'{source}' and '{target}': one of the two has to end in {SAFETENSORS}.")
    layout, content = read_layout(layout_path), _read(source)
    if source.suffix == SAFETENSORS:
        written = encode(from_safetensors(content, layout, f"'{source}'"))
    else:
        written = to_safetensors(decode(content, f"'{source}'"), layout)
    write_whole(target, written)
    console.print(f"wrote {target}, {len(written):,} bytes", highlight=False)
    return 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"'{path}' cannot be read ({error.strerror}): name a file.") from error


def _checkpoint(path: Path) -> Checkpoint:
    return decode(_read(path), f"'{path}'")


def _facts(at: int, checkpoint: Checkpoint, layout: StateLayout | None) -> dict[str, object]:
    row: dict[str, object] = {
        "offset": at,
        "sequence": checkpoint.sequence,
        "steps": checkpoint.steps,
        "identity": f"{checkpoint.identity:08x}",
        "state_words": checkpoint.state.size,
        "extra_bytes": len(checkpoint.extra),
        "bytes": len(encode(checkpoint)),
    }
    if layout is not None:
        values = values_of(checkpoint, layout)
        row["program"] = layout.name
        row["memories"] = {
            f"{'skip' if number == 0 else f'layer {number - 1}'}.{name}": values.memory(number, layout)
            for number, name in enumerate(layout.memories)
            if name
        }
        row["residuals"] = {
            name: {"entries": array.size, "norm": float(np.linalg.norm(array.astype(np.float64)))}
            for name, array in values.residuals.items()
        }
    return row


def _print_head(console: Console, row: dict[str, object]) -> None:
    console.print(
        f"checkpoint at byte {row['offset']}: program {row.get('program', '')} {row['identity']}, sequence "
        f"{row['sequence']}, {row['steps']:,} steps; {row['state_words']:,} words and {row['extra_bytes']:,} extra "
        f"bytes, {row['bytes']:,} bytes in all, CRC ok",
        highlight=False,
    )
    memories = row.get("memories")
    if isinstance(memories, dict) and memories:
        remembered = ", ".join(f"{name} {value:g}" for name, value in memories.items())
        console.print(f"remembered by rules: {remembered}", highlight=False)


def _arrays_table(what: str, arrays: Mapping[str, np.ndarray]) -> Table:
    made = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    made.add_column(what, no_wrap=True, overflow="fold")
    for column in ("shape", "least", "mean", "largest", "norm"):
        made.add_column(column, justify="right")
    for name, array in arrays.items():
        figures = (array.min(), array.mean(dtype=np.float64), array.max(), np.linalg.norm(array.astype(np.float64)))
        made.add_row(name, "×".join(map(str, array.shape)), *(f"{figure:.4g}" for figure in figures))
    return made


def _changes(one: Checkpoint, other: Checkpoint, layout: StateLayout) -> list[dict[str, object]]:
    before, after = (values_of(checkpoint, layout) for checkpoint in (one, other))
    return [
        {
            "what": what,
            "name": name,
            "values": array.size,
            "changed": int((array.view(np.uint32) != now[name].view(np.uint32)).sum()),
            "largest_change": float(np.abs(now[name].astype(np.float64) - array).max()),
            "norm_of_change": float(np.linalg.norm(now[name].astype(np.float64) - array)),
        }
        for what, then, now in (
            ("weight", before.weights, after.weights),
            ("velocity", before.velocities, after.velocities),
            ("remembered", before.residuals, after.residuals),
        )
        for name, array in then.items()
    ]


def _changes_table(rows: list[dict[str, object]]) -> Table:
    made = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for column in ("what", "of"):
        made.add_column(column, no_wrap=True, overflow="fold")
    for column in ("values", "changed", "largest change", "norm of change"):
        made.add_column(column, justify="right")
    for row in rows:
        made.add_row(
            str(row["what"]),
            str(row["name"]),
            f"{row['values']:,}",
            f"{row['changed']:,}",
            f"{row['largest_change']:.4g}",
            f"{row['norm_of_change']:.4g}",
        )
    return made


def _blocks_changed(one: Checkpoint, other: Checkpoint, size: int) -> list[int]:
    """How many blocks of `size` bytes differ, and of how many: what a save over the first has to write."""
    first, second = encode(one), encode(other)
    starts = range(0, len(first), size)
    return [sum(first[at : at + size] != second[at : at + size] for at in starts), len(starts)]


def _write_json(console: Console, path: Path | None, content: object) -> None:
    if path is not None:
        write_whole(path, msgspec.json.format(msgspec.json.encode(content)) + b"\n")
        console.print(f"values: {path}", highlight=False)
