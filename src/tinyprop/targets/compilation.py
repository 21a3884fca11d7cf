"""Compiling a SourceTree. Every object and image is kept under the hash of all that it was made from, so that nothing
is compiled twice: networks share the objects of the engine, and a network seen before costs nothing."""

import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tinyprop.cache import cache_folder
from tinyprop.codegen.source_tree import SourceTree
from tinyprop.errors import InternalError
from tinyprop.targets.toolchain import Compiler, compiler_environment

INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.MULTILINE)


@dataclass(frozen=True)
class _Unit:
    """One source file and the object it becomes; key: hash of everything the object depends on."""

    source: str
    object_path: Path
    flags: tuple[str, ...]


def compile_tree(tree: SourceTree, compiler: Compiler, defines: Sequence[str] = ()) -> tuple[Path, ...]:
    """Objects of all sources of `tree`, in its order. `x.board.c` becomes `<hash>.board.o`.

    Raises InternalError with the compiler's words when a source does not compile.
    """
    folder = _subfolder("objects")
    includes = tuple(f"-I{folder_name}" for folder_name in tree.include_dirs)
    flags = (*compiler.flags, *includes, *(f"-D{define}" for define in defines))
    included = _Included(tree)
    units = [_unit(tree, source, included, compiler, flags, folder) for source in tree.sources]
    missing = [unit for unit in units if not unit.object_path.exists()]
    if missing:
        with tempfile.TemporaryDirectory(prefix="tinyprop-") as place:
            tree.write(Path(place))
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                list(pool.map(lambda unit: _compile(unit, compiler, Path(place)), missing))
    return tuple(unit.object_path for unit in units)


def link(objects: Sequence[Path], compiler: Compiler, suffix: str, script: str | None = None) -> Path:
    """The library or image made of `objects`, by the linker script whose text is given. Raises InternalError."""
    key = _hash(compiler.identity, *compiler.flags, *compiler.link_flags, *(o.name for o in objects), script or "")
    image = _subfolder("images") / f"{key}{suffix}"
    if image.exists():
        return image
    with tempfile.TemporaryDirectory(prefix="tinyprop-") as place:
        layout = []
        if script is not None:
            Path(place, "image.ld").write_text(script, encoding="utf-8")
            layout = ["-T", "image.ld"]
        command = [*compiler.command, *compiler.flags, *map(str, objects), *compiler.link_flags, *layout]
        _run_to_file(command, image, Path(place))
    return image


def _unit(
    tree: SourceTree, source: str, included: "_Included", compiler: Compiler, flags: tuple[str, ...], folder: Path
) -> _Unit:
    key = _hash(compiler.identity, *flags, tree.files[source], *included.texts(source))
    kind = "".join(PurePosixPath(source).suffixes[:-1])
    return _Unit(source, folder / f"{key}{kind}.o", flags)


class _Included:
    """Which files of a tree a source may reach by includes: by file name, so that a header found twice counts twice.

    Every file includes dozens of others, most of them the same: names are looked for once per file, not per source.
    """

    def __init__(self, tree: SourceTree) -> None:
        self._files = tree.files
        named: dict[str, list[str]] = {}
        for path in tree.files:
            named.setdefault(_name(path), []).append(path)
        self._next = {
            path: [one for wanted in {_name(name) for name in INCLUDE.findall(text)} for one in named.get(wanted, ())]
            for path, text in tree.files.items()
        }

    def texts(self, source: str) -> list[str]:
        """The texts of all files within reach of `source`, by path."""
        found: set[str] = set()
        waiting = [source]
        while waiting:
            fresh = [path for path in self._next[waiting.pop()] if path not in found]
            found.update(fresh)
            waiting.extend(fresh)
        return [self._files[path] for path in sorted(found)]


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _compile(unit: _Unit, compiler: Compiler, place: Path) -> None:
    _run_to_file([*compiler.command, *unit.flags, "-c", unit.source], unit.object_path, place)


def _run_to_file(command: Sequence[str], target: Path, place: Path) -> None:
    """Runs the compiler in `place`; its output appears under its final name at once and whole, or not at all."""
    handle, name = tempfile.mkstemp(prefix="unfinished-", suffix=target.suffix, dir=target.parent)
    os.close(handle)
    unfinished = Path(name)
    try:
        run = subprocess.run(
            [*command, "-o", str(unfinished)],
            cwd=place,
            env=compiler_environment(os.environ),
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode != 0:
            raise InternalError(f"the C compiler refused what tinyprop wrote:\n{' '.join(command)}\n{run.stderr}")
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _subfolder(name: str) -> Path:
    folder = cache_folder() / name
    folder.mkdir(exist_ok=True)
    return folder


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
