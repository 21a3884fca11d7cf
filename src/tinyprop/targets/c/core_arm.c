/* SPDX-License-Identifier: Apache-2.0 */
/* A bare Cortex-M: vector table, and the floating-point unit of the cores that have one. */
#include "core.h"

extern void board_stack_top(void);

/* Only the first word is not a function; the linker knows just its address, so it may be declared as one. */
__attribute__((section(".vectors"), used)) void (*const board_vectors[])(void) = {
    board_stack_top, Reset_Handler, board_fault, board_fault, board_fault, board_fault, board_fault,
};

#ifdef __ARM_FP
#define CPACR (*(volatile uint32_t *)0xE000ED88u)
#define CPACR_FPU_FULL_ACCESS (0xFu << 20)

static void enable_fpu(void)
{
    CPACR |= CPACR_FPU_FULL_ACCESS;
    __asm__ volatile("dsb\n isb" ::: "memory");
}
#else
static void enable_fpu(void)
{
}
#endif

void Reset_Handler(void)
{
    enable_fpu();
    board_start();
}

/* Operation in r0, argument in r1, BKPT 0xAB. */
uint32_t core_trap(uint32_t operation, uintptr_t argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register uintptr_t r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}
