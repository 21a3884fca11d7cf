"""CMSIS-DSP's C sources, fetched when they are measured: they are Arm's (Apache-2.0) and no part of tinyprop."""

import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tinyprop.bench.atomic_file import write_whole
from tinyprop.cache import cache_folder
from tinyprop.codegen.source_tree import SourceTree
from tinyprop.errors import UserError

VERSION = "1.10.3"
ARCHIVE = f"cmsisdsp-{VERSION}.tar.gz"
SHA256 = "307d32298faa7c58db912851027fce35f886fec7eb1a27c4b309ce1a97f47519"
TITLE = f"CMSIS-DSP, from PyPI cmsisdsp {VERSION}"
WANTED = (
    "Include/",
    "PrivateInclude/",
    "Source/BasicMathFunctions/",
    "Source/MatrixFunctions/",
    "Source/StatisticsFunctions/",
)

# As its own build does: loops unrolled by hand. __GNUC_PYTHON__ is its switch for a build without CMSIS-Core.
HEAD = """\
#define ARM_MATH_LOOPUNROLL
#define __GNUC_PYTHON__
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wdouble-promotion"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wsign-compare"
"""
FUSED = """\
#if defined(__clang__)
#pragma STDC FP_CONTRACT ON
#else
#pragma GCC optimize("fp-contract=fast")
#endif
"""
HEADERS = (
    '#include "dsp/basic_math_functions.h"\n#include "dsp/matrix_functions.h"\n#include "dsp/statistics_functions.h"\n'
)

# What its headers use of math.h, for a compiler without a C library; nothing that is measured calls any of it.
MATH_H = """\
#ifndef MATH_H
#define MATH_H
float sqrtf(float x);
float expf(float x);
float logf(float x);
float fabsf(float x);
float sinf(float x);
float cosf(float x);
float powf(float x, float y);
double sqrt(double x);
double exp(double x);
double log(double x);
double fabs(double x);
double pow(double x, double y);
#endif
"""


def cmsis_dsp_files(folder: Path | None = None) -> dict[str, str]:
    """Path → text of the sources and headers. folder: where the archive is kept, by default tinyprop's cache.

    Raises UserError, in one sentence, where it is neither there nor to be had.
    """
    archive = (cache_folder() / "downloads" if folder is None else folder) / ARCHIVE
    if not _is_right(archive):
        write_whole(archive, _fetched())
    with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as content:
        return {
            path: content.extractfile(member).read().decode("utf-8", errors="replace")  # type: ignore[union-attr]
            for member in content.getmembers()
            if (path := member.name.partition("/")[2]).startswith(WANTED) and path.endswith((".h", ".c"))
        }


def library(files: dict[str, str], sources: tuple[str, ...], toolchain: str, fused: bool) -> SourceTree:
    """`sources` compiled for a workbench. fused: a compiler may contract products and sums, as it may for its users."""
    head = HEAD + (FUSED if fused else "")
    units = {f"cmsis/{Path(source).stem}_unit.c": f'{head}#include "{source}"\n' for source in sources}
    texts = {f"cmsis/{path}": text for path, text in files.items()} | units
    if toolchain == "zig":
        texts["cmsis/freestanding/math.h"] = MATH_H
    folders = ("cmsis", "cmsis/Include", "cmsis/PrivateInclude", "cmsis/freestanding")
    return SourceTree("cmsis_dsp", texts, tuple(units), folders)


def _is_right(archive: Path) -> bool:
    return archive.is_file() and hashlib.sha256(archive.read_bytes()).hexdigest() == SHA256


def _fetched() -> bytes:
    """The archive, its hash verified by pip before anything of it runs."""
    with tempfile.TemporaryDirectory(prefix="tinyprop-") as place:
        Path(place, "requirements.txt").write_text(f"cmsisdsp=={VERSION} --hash=sha256:{SHA256}\n", encoding="utf-8")
        options = (
            "--no-deps",
            "--no-build-isolation",
            "--no-binary",
            ":all:",
            "--require-hashes",
            "--quiet",
            "--retries",
            "1",
        )
        command = [sys.executable, "-m", "pip", "download", *options, "--disable-pip-version-check"]
        run = subprocess.run(
            [*command, "-r", "requirements.txt"], cwd=place, capture_output=True, text=True, check=False
        )
        archive = Path(place, ARCHIVE)
        if run.returncode != 0 or not _is_right(archive):
            words = (run.stderr.strip() or "another file came").splitlines()[-1]
            raise UserError(f"the sources of CMSIS-DSP ({ARCHIVE}) cannot be had from the package index ({words}).")
        return archive.read_bytes()
