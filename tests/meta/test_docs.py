"""What the documents promise is there: commands, links, names, dependencies."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tinyprop.ir.choices import CHOICES
from tinyprop.methods import METHODS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
DIRECT = [
    Requirement(line) for line in (*PROJECT["dependencies"], *(line for extra in EXTRAS.values() for line in extra))
]


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_commands_exist(page):
    asked = set(re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(), flags=re.MULTILINE))
    assert asked <= make_targets()


def test_readme_shows_the_two_commands():
    readme = (ROOT / "README.md").read_text()
    assert "make demo" in readme
    assert "make test" in readme


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
    assert not [link for link in links if "://" not in link and not (page.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_named_in_the_docs_exist(page):
    named = re.findall(r"`((?:src|tests|docs)/[\w./-]+)`", page.read_text())
    assert not [name for name in named if not (ROOT / name).exists()]


@pytest.mark.parametrize("name", METHODS)
def test_each_method_has_its_line(name):
    assert f"`{name}`" in (DOCS / "methods.md").read_text()
    assert f"`{name}`" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("word", CHOICES)
def test_each_choice_has_its_line(word):
    assert f"| `{word}` |" in (DOCS / "trainable.md").read_text()


@pytest.mark.parametrize("requirement", DIRECT, ids=lambda requirement: requirement.name)
def test_each_dependency_earns_its_line(requirement):
    assert f"| {requirement.name} |" in (DOCS / "dependencies.md").read_text()


@pytest.mark.parametrize("requirement", DIRECT, ids=lambda requirement: requirement.name)
def test_each_dependency_is_pinned_within_its_range(requirement):
    pinned = {canonicalize_name(name): version for name, version in pins().items()}
    assert pinned[canonicalize_name(requirement.name)] in requirement.specifier


def test_what_dependencies_pull_in_is_pinned_too():
    pinned = {canonicalize_name(name) for name in pins()}
    waiting, seen, loose = list(DIRECT), set(), set()
    while waiting:
        requirement = waiting.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        if name not in pinned:
            loose.add(name)
            continue
        waiting += needs_of(name, extras)
    assert loose <= {"pip"}  # which comes with the environment, and installs all the others


def needs_of(name: str, extras: frozenset[str]) -> list[Requirement]:
    """What a distribution with these extras needs here; CUDA packages are pinned by torch itself."""
    try:
        needed = [Requirement(line) for line in requires(name) or ()]
    except PackageNotFoundError:
        return []
    gpu = ("nvidia", "cuda", "triton")
    here = [n for n in needed if n.marker is None or any(n.marker.evaluate({"extra": e}) for e in ("", *extras))]
    return [n for n in here if not (name == "torch" and n.name.startswith(gpu))]
