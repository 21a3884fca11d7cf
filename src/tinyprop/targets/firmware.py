"""Firmware: the network, the engine and the measuring harness linked for a board, and what the image says of itself."""

import bisect
import struct
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Section

from tinyprop.codegen.source_tree import SourceTree
from tinyprop.targets.board import Board
from tinyprop.targets.compilation import compile_tree, link
from tinyprop.targets.fit import Fit, require_fit
from tinyprop.targets.linker_script import linker_script
from tinyprop.targets.toolchain import board_compiler

C_FOLDER = Path(__file__).parent / "c"
HARNESS = ("harness", "measure", "measure_nothing", "semihosting", "stack", "startup", "stream")
LINE = ("line", "semihosting", "stack", "startup", "stream")  # what a product's firmware would do, in its place
HARNESS_HEADERS = ("core", "measure", "semihosting", "stack", "stream", "ticks")
# Placed apart by the linker script: the harness is not part of what a user's firmware will hold.
HARNESS_SECTION = ".harness"
# How the names of functions begin that compilers call by themselves: arithmetic in software, copying and clearing.
COMPILERS_OWN = ("__", "compiler_rt.", "memset", "memcpy", "memmove")

# Elf32_Sym of the System V ABI.
SYMBOL = np.dtype(
    [("name", "<u4"), ("address", "<u4"), ("bytes", "<u4"), ("info", "u1"), ("other", "u1"), ("section", "<u2")]
)
STT_FUNC, STB_GLOBAL = 2, 1


class _Symbol(NamedTuple):
    name: str
    address: int
    bytes: int
    is_function: bool


@dataclass(frozen=True)
class Segment:
    """Bytes that are in the flash before power-up."""

    address: int
    content: bytes


@dataclass(frozen=True)
class Firmware:
    """A linked image. flash_bytes, ram_bytes: of the network, the engine and what they call, without the harness.

    flash_bytes counts code, constants and initial values of variables; ram_bytes counts variables, without the stack.
    """

    path: Path
    board: Board
    entry: int
    segments: tuple[Segment, ...]
    flash_bytes: int
    ram_bytes: int
    flash_end: int  # first address of flash behind the whole image, harness included
    ram_end: int  # first address of RAM that neither the network nor the harness uses
    scratch_bytes: int  # of one sample and one output vector, which the harness keeps from there on
    harness: tuple[int, int]  # first address of the harness's code, and the first behind it
    symbols: tuple[tuple[int, int, str], ...]  # (address, bytes, name) of functions, by address
    latent_size: int = 0  # values of a latent; 0: the harness knows the whole network only

    @cached_property
    def _starts(self) -> list[int]:
        return [start for start, _, _ in self.symbols]

    @cached_property
    def flash_image(self) -> bytes:
        """What the flash holds before power-up, from its first address to the end of the image."""
        image = bytearray(self.flash_end - self.board.flash.origin)
        for segment in self.segments:
            start = segment.address - self.board.flash.origin
            image[start : start + len(segment.content)] = segment.content
        return bytes(image)

    def fit(self, store_bytes: int = 0) -> Fit:
        """What the image needs of its board, beside a store of samples of that many bytes."""
        board = self.board
        variables = self.ram_end - board.ram.origin
        return Fit(
            board=board,
            flash_bytes=self.flash_end - board.flash.origin,
            ram_bytes=variables + self.scratch_bytes + board.stack_bytes + store_bytes,
        )

    def in_harness(self, address: int) -> bool:
        """Whether `address` is code of the harness and not of the network or the engine."""
        return self.harness[0] <= address < self.harness[1]

    def function_numbers(self, halfwords: int) -> np.ndarray:
        """1 + the index in `symbols` of the function at each halfword of flash, 0 for the compiler's own."""
        numbers = np.zeros(halfwords, dtype=np.uint16)
        for number, (address, size, name) in enumerate(self.symbols, start=1):
            first = (address - self.board.flash.origin) // 2
            if not name.startswith(COMPILERS_OWN):
                numbers[max(first, 0) : max(first + (size + 1) // 2, 0)] = number
        return numbers

    def function_at(self, address: int) -> str:
        """Name of the function that holds `address`, or `?` when none does."""
        index = bisect.bisect_right(self._starts, address) - 1
        if index >= 0:
            start, length, name = self.symbols[index]
            if start <= address < start + length:
                return name
        return "?"


def link_firmware(
    tree: SourceTree,
    board: Board,
    clock: str,
    toolchain: str = "zig",
    optimise: str | None = None,
    *,
    harness: tuple[str, ...] = HARNESS,
    defines: tuple[str, ...] = (),
) -> Firmware:
    """Compiles and links `tree` for `board`, fit or not; clock: which `ticks_<clock>.c` measures.

    harness: HARNESS, which measures, or LINE, which speaks the protocol of `tp_link.h`. defines: for the compiler.
    Raises UserError when the toolchain is missing.
    """
    compiler = board_compiler(board, toolchain, optimise)
    defines = (*defines, "BOARD_LATENT") if tree.latent_size else defines
    whole = _with_harness(tree, board, clock, harness, has_c_library=toolchain != "zig")
    image = link(compile_tree(whole, compiler, defines), compiler, ".elf", linker_script(board))
    return read_firmware(image, board, tree.name, tree.latent_size)


def build_firmware(
    tree: SourceTree,
    board: Board,
    clock: str,
    toolchain: str = "zig",
    optimise: str | None = None,
    *,
    harness: tuple[str, ...] = HARNESS,
    defines: tuple[str, ...] = (),
) -> Firmware:
    """`link_firmware`, and UserError when the image does not fit the board."""
    firmware = link_firmware(tree, board, clock, toolchain, optimise, harness=harness, defines=defines)
    require_fit(firmware.fit(), tree.name)
    return firmware


def read_firmware(path: Path, board: Board, network: str, latent_size: int = 0) -> Firmware:
    """What the linked image at `path` says of itself; network: the name of its tp_program; latent_size: as in the tree
    it was built from."""
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        sections = [s for s in elf.iter_sections() if s["sh_flags"] & SH_FLAGS.SHF_ALLOC]
        segments = [s for s in elf.iter_segments("PT_LOAD") if s["p_filesz"]]
        harness = elf.get_section_by_name(".harness_text")
        symbols = _symbols(elf)
        addresses = {symbol.name: symbol.address for symbol in symbols}
        flash = tuple(Segment(s["p_paddr"], s.data()) for s in segments)
        inputs, outputs = _inputs_and_outputs(flash, addresses[network] - board.flash.read_offset)
        return Firmware(
            path=path,
            board=board,
            entry=elf.header["e_entry"],
            segments=flash,
            flash_bytes=_without_harness([s for s in sections if s["sh_type"] != "SHT_NOBITS"]),
            ram_bytes=_without_harness([s for s in sections if s["sh_type"] == "SHT_NOBITS" or s.name == ".data"]),
            flash_end=max(s["p_paddr"] + s["p_filesz"] for s in segments),
            ram_end=addresses["board_scratch"],
            scratch_bytes=4 * _most_values(inputs, outputs, latent_size),
            harness=(harness["sh_addr"], harness["sh_addr"] + harness["sh_size"]),
            symbols=_functions(symbols),
            latent_size=latent_size,
        )


def _symbols(elf: ELFFile) -> list[_Symbol]:
    """Functions and global names. Compilers leave thousands of local labels in an image; those are passed over."""
    table = np.frombuffer(elf.get_section_by_name(".symtab").data(), dtype=SYMBOL)
    is_function = (table["info"] & 0xF == STT_FUNC) & (table["bytes"] > 0)
    name_of = elf.get_section_by_name(".strtab").get_string
    kept = is_function | (table["info"] >> 4 == STB_GLOBAL)
    return [
        _Symbol(name_of(int(row["name"])), int(row["address"]), int(row["bytes"]), bool(function))
        for row, function in zip(table[kept], is_function[kept], strict=True)
    ]


def _inputs_and_outputs(flash: tuple[Segment, ...], program: int) -> tuple[int, int]:
    """The second and third word of the tp_program at that address of the flash."""
    [segment] = [s for s in flash if s.address <= program < s.address + len(s.content)]
    inputs, outputs = struct.unpack_from("<II", segment.content, program - segment.address + 4)
    return inputs, outputs


def _most_values(inputs: int, outputs: int, latent_size: int) -> int:
    """Of a sample and its outputs, a sample and its latent, or a latent and its outputs."""
    return max(inputs + outputs, inputs + latent_size, latent_size + outputs)


def _without_harness(sections: list[Section]) -> int:
    return sum(s["sh_size"] for s in sections if not s.name.startswith(HARNESS_SECTION))


def _functions(symbols: list[_Symbol]) -> tuple[tuple[int, int, str], ...]:
    """Functions by address, without the Thumb bit; where two names share an address, the first by name."""
    found: dict[int, tuple[int, int, str]] = {}
    for symbol in sorted(symbols):
        if symbol.is_function:
            address = symbol.address & ~1
            found.setdefault(address, (address, symbol.bytes, symbol.name))
    return tuple(found[address] for address in sorted(found))


def _with_harness(
    tree: SourceTree, board: Board, clock: str, harness: tuple[str, ...], has_c_library: bool
) -> SourceTree:
    ports = (f"core_{board.architecture}", f"ticks_{clock}")
    names = {f"{name}.c": f"harness/{name}.board.c" for name in (*harness, *ports)}
    names |= {f"{name}.h": f"harness/{name}.h" for name in HARNESS_HEADERS}
    if not has_c_library:
        names["freestanding/string.h"] = "harness/string.h"
    if not has_c_library and board.fpu == "none":
        names["freestanding/divide.c"] = "harness/divide.c"
    texts = {target: (C_FOLDER / name).read_text(encoding="utf-8") for name, target in names.items()}
    texts["harness/network.c"] = _network_in_static_memory(tree.name, tree.latent_size > 0)
    sources = sorted(path for path in texts if path.endswith(".c"))
    return replace(
        tree,
        files={**tree.files, **texts},
        sources=(*tree.sources, *sources),
        include_dirs=(*tree.include_dirs, "harness"),
    )


def _network_in_static_memory(name: str, latent: bool) -> str:
    """The lines a user writes to have the network in memory of its own, and its parts by number where it has any."""
    parts = (
        f"extern const tp_program *const board_parts[3];\n"
        f"const tp_program *const board_parts[3] = {{&{name}, &{name}_prefix, &{name}_from_latent}};\n"
    )
    return (
        f'#include "{name}.h"\n'
        f"extern const tp_program *const board_program;\n"
        f"extern void *const board_memory;\n"
        f"static {name}_memory memory;\n"
        f"const tp_program *const board_program = &{name};\n"
        f"void *const board_memory = &memory;\n"
    ) + (parts if latent else "")
