"""Stack and flash of generated networks."""

import re
import subprocess
from functools import cache

import pytest

STACK_LIMIT = 2048  # bytes, as the engine's README promises
LIBRARY = {"memcpy", "memset", "memmove"}  # the C library's, a few words of stack at most


def worst_stack(graphs):
    """Bytes of the deepest chain of calls from tp_train_step, by gcc's call graphs; it calls the network by pointer."""
    own, calls = {}, {}
    for text in graphs:
        for name, label in re.findall(r'node: \{ title: "([^"]+)" label: "([^"]+)"', text):
            if size := re.search(r"(\d+) bytes \((static|dynamic,bounded)\)", label):
                own[name] = int(size[1])
        for caller, callee in re.findall(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"', text):
            calls.setdefault(caller, set()).add(callee)

    @cache
    def depth(function):
        called = [depth(callee) for callee in calls.get(function, ())]
        return own.get(function, 0) + max(called, default=0)

    [train] = [name for name in own if name.split(":")[-1] == "train"]
    named = {name.split(":")[-1] for callees in calls.values() for name in callees}
    known = {name.split(":")[-1] for name in own}
    assert named - known - LIBRARY <= {"__indirect_call"}
    return depth(train) + depth("tp_train_step")


@pytest.mark.parametrize(("command", "kernels"), [("gcc", "size"), ("arm-none-eabi-gcc", "inline")])
@pytest.mark.parametrize("name", ["mlp", "pooled", "overlapping"])
def test_stack_of_a_step_is_bounded(networks, gcc, tmp_path, name, kernels, command):
    tree = networks[name].train("tinyprop_v2", kernels=kernels).sources
    tree.write(tmp_path)
    core = ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard") if command != "gcc" else ()
    compiler = gcc("-O2", "-fno-math-errno", "-fcallgraph-info=su", *core, command=command)
    includes = [f"-I{tmp_path / folder}" for folder in tree.include_dirs]
    sources = [tmp_path / source for source in tree.sources]
    subprocess.run([*compiler.command, *compiler.flags, *includes, "-c", *sources], cwd=tmp_path, check=True)
    stack = worst_stack([path.read_text() for path in tmp_path.glob("*.ci")])
    print(f"{name}, {kernels}, {command}: {stack} bytes of stack")  # noqa: T201
    assert 64 < stack < STACK_LIMIT


@pytest.mark.parametrize("name", ["mlp", "strided"])
def test_size_build_takes_less_flash(networks, name):
    """Where layers share a kernel; the blocked one of `pooled` is as large generic as it is for two literal shapes."""
    flash = {}
    for kernels in ("inline", "size"):
        with networks[name].train("tinyprop_v2", kernels=kernels).build("nano33ble") as engine:
            flash[kernels] = engine.flash_bytes
    print(f"{name}: flash {flash}")  # noqa: T201
    assert flash["size"] < flash["inline"]
