/* SPDX-License-Identifier: Apache-2.0 */
/* What a user adds for a bare board, here Arm's MPS2 AN386 (Cortex-M4F) in QEMU: reset, the UART, and an end. The loader
 * of QEMU puts .data where it runs from, and RAM is zero before. */
#include <stddef.h>
#include <stdint.h>

#define UART ((volatile uint32_t *)0x40004000U) /* CMSDK APB UART: data, state, control, …, divider at 0x10 */
#define CPACR (*(volatile uint32_t *)0xE000ED88U)
#define STACK_END 0x20400000U

int main(void);
void mps2_reset(void);
void mps2_put(uint8_t byte);
void board_open(void);
void board_put(uint8_t byte);

static void leave(uint32_t reason)
{
    register uint32_t operation __asm__("r0") = 0x18U; /* SYS_EXIT */
    register uint32_t argument __asm__("r1") = reason;
    __asm__ volatile("bkpt 0xAB" : : "r"(operation), "r"(argument) : "memory");
}

static void fault(void)
{
    leave(0x20023U); /* ADP_Stopped_RunTimeErrorUnknown */
}

void mps2_put(uint8_t byte)
{
    while ((UART[1] & 1U) != 0U) {
    }
    UART[0] = byte;
}

void board_open(void)
{
}

void board_put(uint8_t byte)
{
    mps2_put(byte);
}

__attribute__((noreturn)) void mps2_reset(void)
{
    CPACR |= 0xFU << 20; /* the floating-point unit */
    __asm__ volatile("dsb\n\tisb");
    UART[4] = 16U;
    UART[2] = 1U;
    leave(main() == 0 ? 0x20026U : 0x20023U); /* ADP_Stopped_ApplicationExit */
    for (;;) {
    }
}

/* Named to the linker, which would leave out what nothing refers to. */
extern void (*const mps2_vectors[8])(void);
__attribute__((section(".vectors"))) void (*const mps2_vectors[8])(void) = {
    (void (*)(void))STACK_END, mps2_reset, fault, fault, fault, fault, fault, NULL};
