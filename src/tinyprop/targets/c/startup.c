/* SPDX-License-Identifier: Apache-2.0 */
/* From reset to board_main on a bare Cortex-M: vector table, FPU, .data, .bss and a painted stack. */
#include "semihosting.h"
#include "stack.h"

#include <stdint.h>
#include <string.h>

#define CPACR (*(volatile uint32_t *)0xE000ED88u)
#define CPACR_FPU_FULL_ACCESS (0xFu << 20)

extern uint32_t board_data_load[], board_data_start[], board_data_end[], board_bss_start[], board_bss_end[];
extern void board_stack_top(void);

void board_main(void);
void Reset_Handler(void);
void Fault_Handler(void);

/* Only the first word is not a function; the linker knows just its address, so it may be declared as one. */
__attribute__((section(".vectors"), used)) void (*const board_vectors[])(void) = {
    board_stack_top, Reset_Handler, Fault_Handler, Fault_Handler, Fault_Handler, Fault_Handler, Fault_Handler,
};

void Fault_Handler(void)
{
    semihosting_exit(0);
}

void Reset_Handler(void)
{
    CPACR |= CPACR_FPU_FULL_ACCESS;
    __asm__ volatile("dsb\n isb" ::: "memory");
    memcpy(board_data_start, board_data_load, (uintptr_t)board_data_end - (uintptr_t)board_data_start);
    memset(board_bss_start, 0, (uintptr_t)board_bss_end - (uintptr_t)board_bss_start);
    stack_paint();
    board_main();
    semihosting_exit(1);
}
