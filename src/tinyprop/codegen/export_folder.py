"""A project on disk: replaced as a whole or not at all, and never over somebody's own work."""

import hashlib
import shutil
import tempfile
from pathlib import Path

from tinyprop.codegen.source_tree import SourceTree
from tinyprop.errors import UserError

BUILT = ("build", ".pio")  # folders in it that CMake, ESP-IDF, west and PlatformIO build in: they stay as they are
SHOWN = 5  # files that a sentence names
MANIFEST = ".tinyprop-export"  # SHA-256 and path of every file that was written, as sha256sum prints them


def require_replaceable(folder: Path) -> None:
    """Raises UserError unless `folder` is new, empty, or an earlier export in which nothing was added or changed.

    What lies in a folder of BUILT does not count.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UserError(f"'{folder}' is a file: name a new folder.")
    files = {p.relative_to(folder): p for p in folder.rglob("*") if p.is_file()}
    if not files:
        return
    found = {str(name): path for name, path in files.items() if not set(BUILT) & set(name.parts[:-1])}
    if MANIFEST not in found:
        raise UserError(f"'{folder}' is not empty and not an earlier export: name a new folder or empty this one.")
    lines = found.pop(MANIFEST).read_text(encoding="utf-8").splitlines()
    written = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    changed = sorted(name for name, path in found.items() if written.get(name) != _digest(path.read_bytes()))
    if changed:
        listed = ", ".join(changed[:SHOWN]) + (f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else "")
        raise UserError(
            f"'{folder}' holds files that were added or changed since the last export ({listed}): move or delete them; "
            f"what was built may stay in {' or '.join(f'{name}/' for name in BUILT)}."
        )


def replace_folder(folder: Path, tree: SourceTree) -> Path:
    """Writes `tree` beside `folder` and moves it there; returns `folder`. Raises UserError where it cannot."""
    require_replaceable(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".tinyprop-"))
    except OSError as error:
        raise UserError(f"'{folder}' cannot be written ({error.strerror}): name a folder you may write to.") from error
    try:
        fresh, before = work / "export", work / "before"
        tree.write(fresh)
        lines = [f"{_digest(text.encode())}  {path}\n" for path, text in tree.files.items()]
        (fresh / MANIFEST).write_text("".join(lines), encoding="utf-8")
        if folder.exists():
            folder.rename(before)
        try:
            _move_built(before, fresh)
            fresh.rename(folder)
        except OSError:
            if before.exists():
                _move_built(fresh, before)
                before.rename(folder)
            raise
    except OSError as error:
        raise UserError(f"'{folder}' cannot be written ({error.strerror}): name a folder you may write to.") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


def _move_built(source: Path, target: Path) -> None:
    folders = [p.relative_to(source) for p in source.rglob("*") if p.name in BUILT and p.is_dir()]
    for name in (one for one in folders if not set(BUILT) & set(one.parts[:-1])):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).rename(target / name)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
