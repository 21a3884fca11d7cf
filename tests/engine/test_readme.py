"""The engine's README: its example compiles as it says, both ways, and learns; its tables name what there is."""

import re
import shutil
import subprocess
from importlib import resources

import pytest

from tinyprop.codegen.generate import PUBLIC, engine_files
from tinyprop.targets.toolchain import WARNINGS

ENGINE = engine_files()
README = resources.files("tinyprop.engine").joinpath("README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    (cc .*) && \./xor$", README, flags=re.MULTILINE)


@pytest.fixture
def printed(tmp_path):
    """printed(command) → the losses of the README's example, compiled by that command with every warning an error."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler called cc")
    [example] = re.findall(r"```c\n(.*?)```", README, flags=re.DOTALL)
    for path, text in {"engine/xor.c": example, **ENGINE}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    def run(command):
        strict = f"{command} {' '.join(WARNINGS)} && ./xor"
        done = subprocess.run(strict, shell=True, cwd=tmp_path / "engine", capture_output=True, text=True)
        assert done.stderr == ""
        return done.stdout

    return run


def test_example_learns_and_both_ways_print_the_same(printed):
    linked, inlined = (printed(command) for command in COMMANDS)
    losses = [float(loss) for loss in re.findall(r"loss (\S+)", linked)]
    assert len(losses) == 5
    assert losses[0] > 0.2
    assert losses[-1] < 0.05
    assert losses == sorted(losses, reverse=True)
    assert linked == inlined


def test_headers_and_status_codes_are_all_listed():
    headers = {path.removeprefix("engine/") for path in ENGINE if path.endswith(".h")}
    assert headers == set(re.findall(r"\| `(include/\w+\.h)` \|", README))
    codes = dict(re.findall(r"(TP_ERR_\w+) = (-\d)", ENGINE["engine/include/tinyprop.h"]))
    codes |= dict(re.findall(r"(TP_BUFFER_\w+) = (-\d+)", ENGINE["engine/include/tp_buffer.h"]))
    codes |= dict(re.findall(r"(TP_CHECKPOINT_[A-Z_]+) = (-\d+)", ENGINE["engine/include/tp_checkpoint.h"]))
    codes |= dict(re.findall(r"(TP_GUARD_[A-Z_]+) = (-\d+)", ENGINE["engine/include/tp_guard.h"]))
    codes |= dict(re.findall(r"(TP_LINK_ERR_[A-Z_]+) = (-\d+)", ENGINE["engine/include/tp_link.h"]))
    assert len(codes) == 23
    assert codes == dict(re.findall(r"\| `(TP_\w+)` \| (-\d+) \|", README))


def test_kernels_are_named_like_their_files_by_the_grammar():
    grammar = re.compile(
        r"tp_(\w+_(fwd|bwd|update|error)_f32(_\w+)?|(keep|skip)_\w+|\w+_f32|expf|logf|sqrtf|sigmoidf|tanhf|"
        r"api|buffer|checkpoint|crc32|flash_store|guard|link)"
    )
    for path, text in ENGINE.items():
        if path.endswith(".c"):
            name = path.removeprefix("engine/src/").removesuffix(".c")
            assert grammar.fullmatch(name)
            is_public = f"engine/src/{name}.c" in PUBLIC
            assert is_public or re.search(rf"^TP_KERNEL [\w ]+\b{name}\(", text, flags=re.MULTILINE), name
            assert is_public or f'#include "../src/{name}.c"' in ENGINE["engine/include/tp_kernels.h"]
