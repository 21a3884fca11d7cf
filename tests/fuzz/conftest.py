"""libFuzzer with ASan and UBSan, for a few seconds, from the corpus that is kept beside the tests."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from tinyprop.codegen.source_tree import SourceTree
from tinyprop.targets.compilation import compile_tree, link
from tinyprop.targets.toolchain import LANGUAGE, WARNINGS, Compiler

FOLDER = Path(__file__).parent
SECONDS = 5
FLAGS = ("-O1", "-g", "-fsanitize=fuzzer,address,undefined,float-cast-overflow", "-fno-sanitize-recover=all")


@cache
def clang() -> Compiler:
    """clang with libFuzzer; the test is skipped where either is missing."""
    path = shutil.which("clang")
    if path is None:
        pytest.skip("clang not installed")
    empty = (
        "#include <stdint.h>\nint LLVMFuzzerTestOneInput(const uint8_t *d, unsigned long n){(void)d,(void)n;return 0;}"
    )
    tried = subprocess.run(
        [path, *FLAGS, "-x", "c", "-", "-o", "/dev/null"], input=empty, capture_output=True, text=True, check=False
    )
    if tried.returncode != 0:
        pytest.skip("clang has no libFuzzer: install libclang-rt-dev of its version")
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    return Compiler((path,), version.partition("\n")[0], (*LANGUAGE, *WARNINGS, *FLAGS), ())


@pytest.fixture
def fuzz(tmp_path) -> Callable[..., str]:
    """fuzz(tree, target) → what libFuzzer said; fails where it found something.

    target: fuzz_<target>.c in c/, with its corpus in corpus/<target>/. searches=False: what is in the corpus alone, the
    same every time.
    """

    def run(tree: SourceTree, target: str, *, searches: bool = True) -> str:
        source = (FOLDER / "c" / f"fuzz_{target}.c").read_text()
        network = f'#include "{tree.name}.h"\n#define NETWORK {tree.name}\n'
        image = (FOLDER / "c" / "fuzz_image.h").read_text()
        extra = {"fuzz.c": source, "fuzz_image.h": image, "network_under_test.h": network}
        sources = (*tree.sources, "fuzz.c")
        program = link(
            compile_tree(replace(tree, files={**tree.files, **extra}, sources=sources), clang()), clang(), ""
        )
        found = tmp_path / "found"
        found.mkdir()
        length = f"-max_total_time={SECONDS}" if searches else "-runs=0"
        limits = (length, "-max_len=4096", "-timeout=5", "-rss_limit_mb=2000")
        command = [program, *limits, f"-artifact_prefix={tmp_path}/", found, FOLDER / "corpus" / target]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stderr

    return run
