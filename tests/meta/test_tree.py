"""Rules that every committed file keeps."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VAGUE_NAME = re.compile(r"(^|_)(utils?|helpers?|misc|new|old|bak|tmp|v\d+)(_|$)")
PROPER_NAMES = {"tinyprop_v1", "tinyprop_v2", "mobilenet_v1", "mobilenet_v2"}
BUILD_OUTPUT = re.compile(r"\.(o|a|so|elf|bin|hex|whl|pyc)$|(^|/)(build|dist|__pycache__|[^/]*\.egg-info)/")


def committed() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip("not a git checkout")
    return [name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def is_vague(name: str) -> bool:
    stem = re.sub(r"^test_", "", Path(name).name.split(".")[0])
    return stem not in PROPER_NAMES and bool(VAGUE_NAME.search(stem))


@pytest.mark.parametrize("name", ["a/utils.py", "a/c_helper.h", "main_v2.c", "test_misc.py", "new_plan.py"])
def test_rule_for_names_finds_vague_ones(name):
    assert is_vague(name)


@pytest.mark.parametrize("name", ["methods/tinyprop_v2.py", "test_tinyprop_v1.py", "renewal.py", "ops/conv2d.py"])
def test_rule_for_names_leaves_good_ones(name):
    assert not is_vague(name)


def test_every_file_says_what_it_is_by_its_name():
    assert not [name for name in committed() if is_vague(name)]


def test_no_build_output_is_committed():
    assert not [name for name in committed() if BUILD_OUTPUT.search(name)]


def test_no_place_of_one_machine_is_named():
    shared = "../" + "shared"  # in two pieces, or this file would name it too
    machine = re.compile(r"(?<![\w.])/(work|root|home|opt|Users)/\w")
    allowed = {".ci/run"}
    found = [
        name
        for name in committed()
        if name not in allowed and (shared in (text := readable(name)) or machine.search(text))
    ]
    assert not found


def readable(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8", errors="ignore")


def test_sources_are_text_with_a_last_newline_and_no_trailing_blanks():
    endings = (".py", ".c", ".h", ".toml", ".md", ".j2", ".css")
    sources = [name for name in committed() if name.endswith(endings)]
    assert not [name for name in sources if re.search(r"[ \t]+$", readable(name), flags=re.MULTILINE)]
    assert not [name for name in sources if readable(name) and not readable(name).endswith("\n")]


def test_c_files_carry_the_licence():
    files = [name for name in committed() if name.endswith((".c", ".h"))]
    assert files
    assert not [name for name in files if "SPDX-License-Identifier: Apache-2.0" not in readable(name)[:200]]


def test_every_room_is_a_package():
    """Else tools that walk packages, the import contract among them, silently pass it by."""
    rooms = {(ROOT / name).parent for name in committed() if name.startswith("src/") and name.endswith(".py")}
    assert not [room for room in rooms if not (room / "__init__.py").is_file()]
