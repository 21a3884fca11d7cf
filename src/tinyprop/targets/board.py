"""Board: what tinyprop knows of a board, read from one .toml file each; every figure there names its source."""

import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from tinyprop.errors import UserError, unknown_name

BOARD_FOLDER = Path(__file__).parent / "boards"
TEMPLATE = Path(__file__).parent / "board_template.toml"  # of a board of a user


class Memory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stretch of addresses: [origin, origin + bytes)."""

    origin: int
    bytes: int

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.origin + self.bytes


class FlashWrite(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a checkpoint must know of the flash it is written to.

    block_bytes: erased at once; unit_bytes: programmed at once; cycles: erasures that the maker promises each block.
    """

    block_bytes: int
    unit_bytes: int
    cycles: int


class Flash(Memory, frozen=True, forbid_unknown_fields=True):
    """origin: where instructions are fetched. read_origin: where data is read, on chips that have a second window.

    write: how it is written, None where no source was at hand.
    """

    read_origin: int | None = None
    write: FlashWrite | None = None

    @property
    def read_offset(self) -> int:
        """What to add to an address of the flash to read the byte there as data."""
        return 0 if self.read_origin is None else self.read_origin - self.origin


class Power(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the maker says the chip draws while its core computes at clock_hz, and in which document."""

    clock_hz: int
    milliamperes: float
    volts: float
    source: str

    def millijoules(self, cycles: float) -> float:
        """Energy of so many cycles at this clock: mA · V · s = mJ."""
        return self.milliamperes * self.volts * cycles / self.clock_hz


class CompilerFlags(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What each compiler must be told to generate code for the board's core."""

    zig: tuple[str, ...]
    gcc: tuple[str, ...]


class Emulator(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """kind: which emulator `build` takes. machine: QEMU's name of the board, where it has one.

    timer: what counts instructions in QEMU, one of `c/ticks_<timer>.c`.
    """

    kind: Literal["unicorn", "qemu"]
    machine: str = ""
    timer: Literal["cmsdk", "systick"] = "cmsdk"

    @property
    def clock(self) -> str:
        """Which `c/ticks_<clock>.c` is linked for this emulator."""
        return "dwt" if self.kind == "unicorn" else self.timer


class Board(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A board. clock_hz in Hz; stack_bytes is kept free at the top of RAM and not available to a network.

    timing: the table of `targets/cycles` that holds for its core, "" where there is none and cycles are not estimated.
    power: None where no source was at hand.
    """

    name: str
    title: str
    cpu: str
    clock_hz: int
    fpu: str
    stack_bytes: int
    flash: Flash
    ram: Memory
    flags: CompilerFlags
    emulator: Emulator
    timing: str = ""
    power: Power | None = None

    @property
    def architecture(self) -> Literal["arm", "riscv"]:
        """The family of the core: it decides on reset, traps and the name of the compiler."""
        return "riscv" if self.cpu.startswith("rv32") else "arm"

    def holds(self, flash_bytes: int, ram_bytes: int) -> bool:
        """Whether an image of these sizes, RAM with its stack, fits."""
        return flash_bytes <= self.flash.bytes and ram_bytes <= self.ram.bytes


def board_names() -> tuple[str, ...]:
    """Names of the boards that come with tinyprop, sorted."""
    return tuple(sorted(path.stem for path in BOARD_FOLDER.glob("*.toml")))


def load_board(name: str | Path) -> Board:
    """The board of that name, or the one described in that .toml file.

    Raises UserError when there is no such board, or when the file does not describe one.
    """
    if Path(name).suffix == ".toml":
        return _read(Path(name))
    if name not in board_names():
        raise unknown_name("board", str(name), board_names())
    return _read(BOARD_FOLDER / f"{name}.toml")


COMPARE = "compare it with what `tinyprop boards --template FILE` writes"


def _read(path: Path) -> Board:
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Board)
    except OSError as error:
        raise UserError(f"board file {path}: cannot be read ({error.strerror}); check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"board file {path}: not valid TOML ({error}); {COMPARE}.") from error
    except msgspec.ValidationError as error:
        raise UserError(f"board file {path}: {error}; {COMPARE}.") from error
