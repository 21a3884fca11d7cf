"""Moves the change fragments beside this file to the top of CHANGELOG.md: `python docs/changes/collect.py VERSION`."""

import sys
from pathlib import Path

KINDS = ("added", "changed", "fixed", "removed")


def section(version: str, fragments: list[Path]) -> str:
    """The changelog section of `version`, kinds in the order of KINDS, fragments by name."""
    lines = [f"## {version}"]
    for kind in KINDS:
        texts = [path.read_text(encoding="utf-8").strip() for path in fragments if path.name.endswith(f".{kind}.md")]
        if texts:
            lines += ["", f"### {kind.capitalize()}", "", *(f"- {text}" for text in texts)]
    return "\n".join(lines) + "\n"


def collect(version: str, folder: Path, changelog: Path) -> None:
    """Puts the section before the first older one and deletes the fragments."""
    fragments = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    if not fragments:
        raise SystemExit(f"no fragments in {folder}: nothing to release.")
    head, *older = changelog.read_text(encoding="utf-8").partition("\n## ")
    text = f"{head.rstrip()}\n\n{section(version, fragments)}{''.join(older)}"
    changelog.write_text(text, encoding="utf-8", newline="\n")
    for path in fragments:
        path.unlink()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("one version is needed: python docs/changes/collect.py 0.1.0")
    here = Path(__file__).parent
    collect(sys.argv[1], here, here.parents[1] / "CHANGELOG.md")
