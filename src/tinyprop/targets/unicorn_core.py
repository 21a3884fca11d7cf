"""What Unicorn must be told of a core, and where its registers are."""

from dataclasses import dataclass

from unicorn import UC_ARCH_ARM, UC_ARCH_RISCV, UC_MODE_RISCV32, UC_MODE_THUMB, arm_const, riscv_const

from tinyprop.errors import UserError
from tinyprop.targets.board import Board
from tinyprop.targets.histogram import LongInstruction


@dataclass(frozen=True)
class Core:
    """A core in Unicorn. operation, argument: registers of a semihosting call, whose answer takes operation's place.

    trap: the instruction that makes the call. address_mark: set in the address of code to run it in the right mode.
    """

    architecture: int
    mode: int
    model: int
    pc: int
    sp: int
    operation: int
    argument: int
    trap: bytes
    address_mark: int
    long_instruction: LongInstruction


def _cortex_m(model: int) -> Core:
    return Core(
        architecture=UC_ARCH_ARM,
        mode=UC_MODE_THUMB,
        model=model,
        pc=arm_const.UC_ARM_REG_PC,
        sp=arm_const.UC_ARM_REG_SP,
        operation=arm_const.UC_ARM_REG_R0,
        argument=arm_const.UC_ARM_REG_R1,
        trap=bytes.fromhex("abbe"),  # BKPT 0xAB
        address_mark=1,
        long_instruction=LongInstruction(mask=0xF800, at_least=0xE800),
    )


def _riscv32(model: int) -> Core:
    return Core(
        architecture=UC_ARCH_RISCV,
        mode=UC_MODE_RISCV32,
        model=model,
        pc=riscv_const.UC_RISCV_REG_PC,
        sp=riscv_const.UC_RISCV_REG_SP,
        operation=riscv_const.UC_RISCV_REG_A0,
        argument=riscv_const.UC_RISCV_REG_A1,
        trap=bytes.fromhex("73001000"),  # EBREAK, not compressed
        address_mark=0,
        long_instruction=LongInstruction(mask=0b11, at_least=0b11),
    )


CORES = {
    "cortex-m0plus": _cortex_m(arm_const.UC_CPU_ARM_CORTEX_M0),
    "cortex-m3": _cortex_m(arm_const.UC_CPU_ARM_CORTEX_M3),
    "cortex-m4": _cortex_m(arm_const.UC_CPU_ARM_CORTEX_M4),
    "cortex-m7": _cortex_m(arm_const.UC_CPU_ARM_CORTEX_M7),
    "cortex-m33": _cortex_m(arm_const.UC_CPU_ARM_CORTEX_M33),
    "rv32imc": _riscv32(riscv_const.UC_CPU_RISCV32_SIFIVE_E31),
}


def core_of(board: Board) -> Core:
    """The core that Unicorn emulates for `board`. Raises UserError when it has none."""
    if board.cpu not in CORES:
        raise UserError(f"{board.title}: Unicorn has no {board.cpu}; it has {', '.join(sorted(CORES))}.")
    return CORES[board.cpu]
