"""Compilers: ziglang, which pip installs, and gcc as a second opinion; for the host and for every board."""

import functools
import importlib.util
import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from tinyprop.cache import cache_folder
from tinyprop.errors import UserError, unknown_name
from tinyprop.targets.board import Board

TOOLCHAINS = ("gcc", "zig")

# -ffp-contract=off: a fused multiply-add would round once where the definition of every sum rounds twice.
LANGUAGE = ("-std=c99", "-ffp-contract=off", "-g0")
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wdouble-promotion", "-Wvla", "-Werror")
SECTIONS = ("-ffunction-sections", "-fdata-sections")
# Freestanding would stop the compiler from seeing that memcpy is memcpy.
ZIG_BOARD = ("-fhosted", "-fno-math-errno", "-fomit-frame-pointer", "-fno-unwind-tables")
ZIG_OPTIMISE = "-O2"
# What the x86-64 psABI's third level adds, in Linux's words (abm: LZCNT).
X86_64_V3 = frozenset(("avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"))
GCC_OPTIMISE = "-O3"


class GccForBoards(NamedTuple):
    """A cross compiler: its command, the packages it comes in, and the small C library it is told to take."""

    command: str
    packages: str
    library: str


BOARD_GCC = {
    "arm": GccForBoards("arm-none-eabi-gcc", "gcc-arm-none-eabi and libnewlib-arm-none-eabi", "--specs=nano.specs"),
    "riscv": GccForBoards(
        "riscv64-unknown-elf-gcc", "gcc-riscv64-unknown-elf and picolibc-riscv64-unknown-elf", "--specs=picolibc.specs"
    ),
}


@dataclass(frozen=True)
class Compiler:
    """A compiler with its target fixed: `command` + `flags` + sources. identity: name and version, for cache keys."""

    command: tuple[str, ...]
    identity: str
    flags: tuple[str, ...]
    link_flags: tuple[str, ...]


def host_compiler(toolchain: str = "zig", optimise: str | None = None) -> Compiler:
    """The compiler for shared libraries of this machine. Raises UserError when it is not installed."""
    if _known(toolchain) == "zig":
        flags = (*_host_target(), *LANGUAGE, *WARNINGS, optimise or ZIG_OPTIMISE, "-fno-math-errno", "-fPIC")
        return Compiler(zig_command(), _zig_identity(), flags, ("-shared",))
    flags = (*LANGUAGE, *WARNINGS, optimise or GCC_OPTIMISE, "-fno-math-errno", "-fPIC")
    return _gcc("gcc", "install gcc, or", flags, ("-shared",))


def board_compiler(board: Board, toolchain: str = "zig", optimise: str | None = None) -> Compiler:
    """The compiler for firmware of `board`. Raises UserError when it is not installed."""
    link_flags = ("-Wl,--gc-sections", "-Wl,-e,Reset_Handler")
    if _known(toolchain) == "zig":
        flags = (*board.flags.zig, *LANGUAGE, *WARNINGS, *SECTIONS, *ZIG_BOARD, optimise or ZIG_OPTIMISE)
        return Compiler(zig_command(), _zig_identity(), flags, link_flags)
    gcc = BOARD_GCC[board.architecture]
    flags = (*board.flags.gcc, gcc.library, *LANGUAGE, *WARNINGS, *SECTIONS, "-fno-math-errno")
    remedy = f"install the packages {gcc.packages}, or"
    return _gcc(gcc.command, remedy, (*flags, optimise or GCC_OPTIMISE), (*link_flags, "-nostartfiles"))


def installed_compilers(board: Board, toolchains: Sequence[str]) -> dict[str, str]:
    """Toolchain → name and version, of those here that compile for `board`. Raises UserError when zig, which must be,
    is missing."""
    found = {}
    for toolchain in toolchains:
        try:
            found[toolchain] = board_compiler(board, toolchain).identity
        except UserError:
            if toolchain == "zig":
                raise
    return found


def zig_command() -> tuple[str, ...]:
    """The command line that runs zig as a C compiler. Raises UserError when ziglang is not installed."""
    found = importlib.util.find_spec("ziglang")
    if found is None or found.origin is None:
        raise UserError("the C compiler zig is not installed: run 'pip install ziglang'.")
    # The binary itself: `python -m ziglang` starts a second interpreter for every file.
    folder = Path(found.origin).parent
    return (str(folder / ("zig.exe" if platform.system() == "Windows" else "zig")), "cc")


def compiler_environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """`inherited` with a stable place for what zig builds once per core (its run-time library takes seconds)."""
    folder = str(cache_folder() / "zig")
    return {"ZIG_GLOBAL_CACHE_DIR": folder, "ZIG_LOCAL_CACHE_DIR": folder, **inherited}


def _known(toolchain: str) -> str:
    if toolchain not in TOOLCHAINS:
        raise unknown_name("toolchain", toolchain, TOOLCHAINS)
    return toolchain


def _zig_identity() -> str:
    return f"zig {version('ziglang')}"


def _host_target() -> tuple[str, ...]:
    """An old glibc, so that a cached library loads on every machine that shares the cache."""
    cpu = f"-mcpu={_host_cpu()}"
    if platform.system() == "Linux" and platform.libc_ver()[0] == "glibc":
        return ("-target", f"{platform.machine()}-linux-gnu.2.28", cpu)
    return (cpu,)


@functools.cache
def _host_cpu() -> str:
    listed = Path("/proc/cpuinfo")
    return cpu_generation(platform.machine(), listed.read_text(encoding="utf-8") if listed.exists() else "")


def cpu_generation(machine: str, cpuinfo: str) -> str:
    """zig's name for the generation of CPUs, with vectors of eight floats or not, that a computer belongs to.

    machine: as `platform` says; cpuinfo: the text of /proc/cpuinfo. Not this very CPU: libraries are cached by their
    flags, which have to say where else a library runs.
    """
    features = next((line for line in cpuinfo.splitlines() if line.startswith("flags")), "")
    has_v3 = machine == "x86_64" and set(features.partition(":")[2].split()) >= X86_64_V3
    return "x86_64_v3" if has_v3 else "baseline"


def _gcc(name: str, remedy: str, flags: tuple[str, ...], link_flags: tuple[str, ...]) -> Compiler:
    path = shutil.which(name)
    if path is None:
        raise UserError(f"the compiler {name} was not found: {remedy} use toolchain='zig'.")
    return Compiler((path,), _first_line_of_version(path), flags, link_flags)


@functools.cache
def _first_line_of_version(path: str) -> str:
    output = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    return output.partition("\n")[0]
