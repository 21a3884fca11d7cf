"""Every engine source compiles on its own, the public header is C++ too, and text depends on the records alone."""

import os
import runpy
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tinyprop.codegen.generate import engine_files
from tinyprop.codegen.source_tree import SourceTree
from tinyprop.targets.compilation import compile_tree
from tinyprop.targets.toolchain import host_compiler

ENGINE = engine_files()
SOURCES = tuple(sorted(name for name in ENGINE if name.endswith(".c")))
# tp_window.h belongs to the kernels, which include it behind tp_kernels.h.
HEADERS = tuple(sorted(name for name in ENGINE if name.endswith(".h") and not name.endswith("tp_window.h")))


@pytest.mark.parametrize("optimise", ["-O0", "-O2"])
def test_every_source_compiles_alone(gcc, optimise):
    tree = SourceTree("engine", ENGINE, SOURCES, ("engine/include",))
    assert len(compile_tree(tree, gcc(optimise))) == len(SOURCES)


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
def test_every_header_compiles_alone(toolchain):
    if toolchain == "gcc" and shutil.which("gcc") is None:
        pytest.skip("gcc not installed")
    texts = {Path(name).stem: f'#include "{Path(name).name}"\n' for name in HEADERS}
    texts["inlined"] = '#define TP_INLINE_KERNELS 1\n#include "tp_kernels.h"\n'
    alone = {f"alone_{name}.c": f"{text}typedef int nothing;\n" for name, text in texts.items()}
    tree = SourceTree("engine", {**ENGINE, **alone}, tuple(alone), ("engine/include",))
    compile_tree(tree, host_compiler(toolchain))


@pytest.mark.skipif(shutil.which("g++") is None, reason="g++ not installed")
@pytest.mark.parametrize("standard", ["c++98", "c++20"])
def test_the_headers_a_user_includes_are_cpp(networks, tmp_path, standard):
    tree = networks["mlp"].train("tinyprop_v2").sources
    headers = ("mlp.h", *(f"tp_{name}.h" for name in ("buffer", "checkpoint", "crc32", "guard", "link")))
    included = "".join(f'#include "{header}"\n' for header in headers)
    tree = replace(tree, files={**tree.files, "main.cpp": f"{included}int main() {{ return tp_strerror(0)[0]; }}\n"})
    tree.write(tmp_path)
    warnings = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-Wno-long-long")
    command = ["g++", f"-std={standard}", *warnings, "-fsyntax-only", "-I.", "-Iengine/include", "main.cpp"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stderr == ""


@pytest.mark.parametrize("flag", ["-ffast-math", "-Ofast"])
def test_flags_that_would_change_sums_are_refused(gcc, flag):
    with pytest.raises(Exception, match="tinyprop: compile without -ffast-math"):
        compile_tree(SourceTree("engine", ENGINE, SOURCES[:1], ("engine/include",)), gcc("-O2", flag))


PRINT_TEXTS = """
import hashlib, runpy, sys
for network in runpy.run_path(sys.argv[1])["NETWORKS"].values():
    for method in ("full", "tinyprop_v1", "ours"):
        for path, text in network.train(method).sources.files.items():
            print(path, hashlib.sha256(text.encode()).hexdigest())
"""


def test_text_is_the_same_whatever_the_hash_seed():
    conftest = Path(__file__).with_name("conftest.py")
    assert "NETWORKS" in runpy.run_path(str(conftest))
    printed = {
        subprocess.run(
            [sys.executable, "-c", PRINT_TEXTS, str(conftest)],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "77")
    }
    assert len(printed) == 1
    assert "pooled_parameters.c" in printed.pop()
