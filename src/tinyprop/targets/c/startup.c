/* SPDX-License-Identifier: Apache-2.0 */
/* From the core's reset to board_main: .data, .bss and a painted stack. */
#include "core.h"
#include "semihosting.h"
#include "stack.h"

#include <stdint.h>
#include <string.h>

extern uint32_t board_data_load[], board_data_start[], board_data_end[], board_bss_start[], board_bss_end[];

void board_main(void);

/* Aligned, because RISC-V takes the low two bits of a trap vector for a mode. */
__attribute__((aligned(4))) void board_fault(void)
{
    semihosting_exit(0);
}

void board_start(void)
{
    memcpy(board_data_start, board_data_load, (uintptr_t)board_data_end - (uintptr_t)board_data_start);
    memset(board_bss_start, 0, (uintptr_t)board_bss_end - (uintptr_t)board_bss_start);
    stack_paint();
    board_main();
    semihosting_exit(1);
}
