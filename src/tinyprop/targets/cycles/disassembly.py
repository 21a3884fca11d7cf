"""Arm Thumb code as what a timing table asks for: names, registers, words moved."""

from dataclasses import dataclass
from typing import Any

import capstone
from capstone import arm

ACCUMULATES = frozenset({"vmla", "vmls", "vnmla", "vnmls", "vfma", "vfms", "vfnma", "vfnms"})
LISTS_BEHIND_BASE = frozenset({"ldm", "ldmdb", "stm", "stmdb", "vldmia", "vldmdb", "vstmia", "vstmdb"})
LISTS = frozenset({"push", "pop", "vpush", "vpop", "ldrd", "strd", "vldr", "vstr"})
BRANCHES = frozenset({"b", "bl", "bx", "blx", "cbz", "cbnz", "tbb", "tbh"})


@dataclass(frozen=True)
class Instruction:
    """name: as the rules of a Timing call it; text: as assembly; words: of 4 bytes, moved by a register list.

    address_from, reads, writes: registers, the FPU's as s0 to s31. addend: read, but late, by a multiply-accumulate.
    """

    name: str
    text: str
    words: int
    address_from: frozenset[str]
    reads: frozenset[str]
    writes: frozenset[str]
    addend: frozenset[str]


def disassembled(code: bytes) -> list[Instruction]:
    """The instructions of `code`, up to the first that is none."""
    decoder = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
    decoder.detail = True
    return [_instruction(one) for one in decoder.disasm(code, 0)]


def _instruction(one: Any) -> Instruction:
    name = one.mnemonic if one.id == arm.ARM_INS_HINT else str(one.insn_name())
    registers = [one.reg_name(o.reg) for o in one.operands if o.type == arm.ARM_OP_REG]
    reads, writes = ([one.reg_name(number) for number in side] for side in one.regs_access())
    addressing = [o.mem for o in one.operands if o.type == arm.ARM_OP_MEM]
    moved = registers[1:] if name in LISTS_BEHIND_BASE else registers if name in LISTS else []
    addend = _singles(registers[:1]) - _singles(registers[1:]) if name in ACCUMULATES else frozenset()
    return Instruction(
        name=name + _form(name, registers, writes, any(place.index for place in addressing)),
        text=f"{one.mnemonic} {one.op_str}".strip(),
        words=sum(2 if register.startswith("d") else 1 for register in moved),
        address_from=_address(one, name, registers, addressing),
        reads=_singles(reads),
        writes=_singles(writes),
        addend=addend,
    )


def _form(name: str, registers: list[str], writes: list[str], indexed: bool) -> str:
    """What a rule wants to know besides the name."""
    if name in BRANCHES:
        return ""
    double = name == "vmov" and len(registers) > 2
    return " indexed" * indexed + " pc" * ("pc" in writes) + " double" * double


def _address(one: Any, name: str, registers: list[str], addressing: list[Any]) -> frozenset[str]:
    if name in LISTS_BEHIND_BASE:
        return frozenset(registers[:1])
    if name in ("push", "pop", "vpush", "vpop"):
        return frozenset({"sp"})
    numbers = [number for place in addressing for number in (place.base, place.index) if number]
    return frozenset(one.reg_name(number) for number in numbers)


def _singles(registers: list[str]) -> frozenset[str]:
    """Each double register of the FPU as its two halves."""
    found: set[str] = set()
    for register in registers:
        number = register[1:]
        if register.startswith("d") and number.isdigit():
            found |= {f"s{2 * int(number)}", f"s{2 * int(number) + 1}"}
        else:
            found.add(register)
    return frozenset(found)
