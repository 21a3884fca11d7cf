"""The linker script of a board, for bare firmware with the measuring harness."""

from tinyprop.targets.board import Board

# No MEMORY regions: an image that is too large still links, and we can say by how much.
# Constants are linked to where they are read and loaded to where the flash is; on most chips that is the same.
TEMPLATE = """\
board_flash = {flash:#010x};
board_flash_read = {flash_read:#010x};
board_stack_top = {stack_top:#010x};
board_stack_limit = {stack_limit:#010x};
PHDRS {{ code PT_LOAD; constants PT_LOAD; variables PT_LOAD; }}
SECTIONS
{{
    . = board_flash;
    .harness_vectors : {{ KEEP(*(.vectors)) }} :code
    .harness_text : {{ *.board.o(.text .text.*) }}
    .text : {{ *(.text .text.*) }}
    .ARM.extab : {{ *(.ARM.extab .ARM.extab.*) }}
    .ARM.exidx : {{ *(.ARM.exidx .ARM.exidx.*) }}
    . = ALIGN(., 16) - board_flash + board_flash_read;
    .harness_rodata : AT(ADDR(.harness_rodata) - board_flash_read + board_flash)
    {{
        *.board.o(.rodata .rodata.* .srodata .srodata.*)
    }} :constants
    .rodata : AT(ADDR(.rodata) - board_flash_read + board_flash) {{ *(.rodata .rodata.* .srodata .srodata.*) }}
    board_data_load = ALIGN(., 8);
    . = {ram:#010x};
    .data : AT(board_data_load - board_flash_read + board_flash)
    {{
        board_data_start = .;
        *(.data .data.* .sdata .sdata.*)
        . = ALIGN(8);
        board_data_end = .;
    }} :variables
    .harness_bss (NOLOAD) : ALIGN(8) {{ board_bss_start = .; *.board.o(.bss .bss.* .sbss .sbss.* COMMON) }}
    .bss (NOLOAD) : ALIGN(8) {{ *(.bss .bss.* .sbss .sbss.* COMMON); . = ALIGN(8); board_bss_end = .; }}
    board_scratch = board_bss_end;
    /DISCARD/ : {{ *(.comment .ARM.attributes .riscv.attributes .eh_frame) }}
}}
"""


def linker_script(board: Board) -> str:
    """Its text. Code and constants from the start of flash, variables from the start of RAM, stack at its end."""
    return TEMPLATE.format(
        flash=board.flash.origin,
        flash_read=board.flash.origin + board.flash.read_offset,
        ram=board.ram.origin,
        stack_top=board.ram.end,
        stack_limit=board.ram.end - board.stack_bytes,
    )
