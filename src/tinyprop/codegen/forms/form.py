"""What every form starts from, and how sources move to where a form wants them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import PurePosixPath

from tinyprop.codegen.generate import render
from tinyprop.codegen.source_tree import SourceTree


@dataclass(frozen=True)
class Contents:
    """What a project of any form holds. tree: network and engine; context: the words that templates use."""

    tree: SourceTree
    context: Mapping[str, object]

    @property
    def name(self) -> str:
        """The network's C identifier."""
        return self.tree.name

    def text(self, template: str, **words: object) -> str:
        """A template as text; words: more than the context has."""
        return render(template, {**self.context, **words})

    def selftest(self, folder: str, file: str, entry: str = "main") -> dict[str, str]:
        """The self-test in `folder` with its golden vectors: path → text.

        file: name of the one with the entry, which is "main", "app_main" or "sketch".
        """
        return {
            f"{folder}{file}": self.text("selftest.j2", entry=entry),
            f"{folder}{self.name}_golden.h": self.text("golden.h.j2"),
            f"{folder}{self.name}_golden.c": self.text("golden.c.j2"),
        }

    def field(self, path: str, entry: str = "main") -> dict[str, str]:
        """Firmware that learns over the line and saves what it learned: path → text; entry as of the self-test."""
        return {path: self.text("field.j2", entry=entry)}


Form = Callable[[Contents], SourceTree]


def port(name: str) -> str:
    """A file of `tinyprop.codegen.ports` as it is."""
    return resources.files("tinyprop.codegen.ports").joinpath(name).read_text(encoding="utf-8")


def with_files(tree: SourceTree, files: Mapping[str, str]) -> SourceTree:
    """`tree` and more files, by path."""
    return replace(tree, files=dict(sorted({**tree.files, **files}.items())))


def moved(tree: SourceTree, headers: str, sources: str, kernels: str) -> SourceTree:
    """`tree` with headers, compiled sources, and kernels that are only included, each in one folder ("" or "a/b/").

    Build systems that compile every .c they find must not find the last: they end in .inc. `tp_kernels.h` includes
    them from where they went.
    """
    compiled = set(tree.sources)
    place = {path: _place(path, path in compiled, headers, sources, kernels) for path in tree.files}
    upwards = "../" * headers.count("/")
    files = {place[path]: text for path, text in tree.files.items()}
    table = place["engine/include/tp_kernels.h"]
    for path, target in place.items():
        if path.endswith(".c"):
            files[table] = files[table].replace(f'"../src/{_name(path)}"', f'"{_from(headers, target, upwards)}"')
    folders = tuple(dict.fromkeys(folder.rstrip("/") or "." for folder in (headers, sources)))
    moved_sources = tuple(place[path] for path in tree.sources)
    return SourceTree(tree.name, dict(sorted(files.items())), moved_sources, folders)


def _place(path: str, is_compiled: bool, headers: str, sources: str, kernels: str) -> str:
    if path.endswith(".h"):
        return headers + _name(path)
    return sources + _name(path) if is_compiled else kernels + PurePosixPath(path).stem + ".inc"


def _from(folder: str, target: str, upwards: str) -> str:
    """`target` as an include of a header in `folder` names it."""
    return target.removeprefix(folder) if target.startswith(folder) else upwards + target


def _name(path: str) -> str:
    return path.rpartition("/")[2]
