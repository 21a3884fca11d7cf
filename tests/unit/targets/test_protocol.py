"""Numbers that Python and the harness must agree on."""

import re

from tinyprop.targets import block_counter, protocol
from tinyprop.targets.firmware import C_FOLDER


def test_commands_are_those_of_the_harness():
    source = (C_FOLDER / "harness.c").read_text()
    commands = {name: int(number) for name, number in re.findall(r"COMMAND_(\w+) = (\d+)", source)}
    assert commands == {command.name: command.value for command in protocol.Command}
    assert f"SENTENCE_BYTES {protocol.SENTENCE_BYTES}u" in source


def test_profiling_bit_is_the_same_in_firmware_hook_and_python():
    bit = block_counter.PROFILING.bit_length() - 1
    assert f"PCSAMPLENA_BIT {bit}u" in (C_FOLDER / "ticks_dwt.c").read_text()
    assert f"PROFILING (1u << {bit})" in (C_FOLDER / "block_counter.c").read_text()
