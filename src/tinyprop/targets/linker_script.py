"""The linker script of a board, for bare firmware with the measuring harness."""

from tinyprop.targets.board import Board

# The regions are larger than the board's memories: an image that is too large still links, and we can say by how much.
TEMPLATE = """\
MEMORY
{{
    FLASH (rx) : ORIGIN = {flash:#010x}, LENGTH = {room:#x}
    RAM (rwx)  : ORIGIN = {ram:#010x}, LENGTH = {room:#x}
}}
SECTIONS
{{
    .harness_vectors {flash:#x} : {{ KEEP(*(.vectors)) }} > FLASH
    .harness_text : {{ *.board.o(.text .text.* .rodata .rodata.*) }} > FLASH
    .text : {{ *(.text .text.*) }} > FLASH
    .rodata : {{ *(.rodata .rodata.*) }} > FLASH
    .ARM.extab : {{ *(.ARM.extab .ARM.extab.*) }} > FLASH
    .ARM.exidx : {{ *(.ARM.exidx .ARM.exidx.*) }} > FLASH
    .data : ALIGN(8) {{ board_data_start = .; *(.data .data.*); . = ALIGN(8); board_data_end = .; }} > RAM AT > FLASH
    board_data_load = LOADADDR(.data);
    .harness_bss (NOLOAD) : ALIGN(8) {{ board_bss_start = .; *.board.o(.bss .bss.* COMMON) }} > RAM
    .bss (NOLOAD) : ALIGN(8) {{ *(.bss .bss.* COMMON); . = ALIGN(8); board_bss_end = .; }} > RAM
    board_scratch = board_bss_end;
    board_stack_top = {stack_top:#010x};
    board_stack_limit = {stack_limit:#010x};
    /DISCARD/ : {{ *(.comment .ARM.attributes) }}
}}
"""
ROOM_BYTES = 0x1000_0000


def linker_script(board: Board) -> str:
    """Its text. Code and constants from the start of flash, variables from the start of RAM, stack at its end."""
    return TEMPLATE.format(
        flash=board.flash.origin,
        ram=board.ram.origin,
        room=ROOM_BYTES,
        stack_top=board.ram.end,
        stack_limit=board.ram.end - board.stack_bytes,
    )
