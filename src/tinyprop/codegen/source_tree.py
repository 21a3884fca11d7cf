"""SourceTree: a C project as a frozen mapping from file name to text; nothing touches a disk before `write`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SourceTree:
    """name: the network's C identifier (`name.h`, `name.c`, type `name_memory`, constant `name`).

    files: relative path → text. sources: the .c files to compile, relative; include_dirs: for -I, relative.
    latent_size: values of a latent, where there are the programs `name_prefix` and `name_from_latent` too; else 0.
    """

    name: str
    files: Mapping[str, str]
    sources: tuple[str, ...]
    include_dirs: tuple[str, ...]
    latent_size: int = 0

    def write(self, folder: Path) -> None:
        """Writes every file below `folder`, making directories as needed."""
        for path, text in self.files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="\n")
