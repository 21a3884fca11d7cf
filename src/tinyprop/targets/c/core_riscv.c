/* SPDX-License-Identifier: Apache-2.0 */
/* A bare RV32 in machine mode: it comes out of reset without a stack pointer. */
#include "core.h"

__attribute__((naked)) void Reset_Handler(void)
{
    __asm__ volatile(
        ".option push\n"
        ".option arch, +zicsr\n"
        "la sp, board_stack_top\n"
        "la t0, board_fault\n"
        "csrw mtvec, t0\n"
        "j board_start\n"
        ".option pop");
}

/* Operation in a0, argument in a1, and an EBREAK that the two shifts around it tell from a breakpoint. All three have
 * to be 32 bits long. */
uint32_t core_trap(uint32_t operation, uintptr_t argument)
{
    register uint32_t a0 __asm__("a0") = operation;
    register uintptr_t a1 __asm__("a1") = argument;
    __asm__ volatile(
        ".option push\n"
        ".option norvc\n"
        "slli x0, x0, 0x1f\n"
        "ebreak\n"
        "srai x0, x0, 7\n"
        ".option pop"
        : "+r"(a0)
        : "r"(a1)
        : "memory");
    return a0;
}
