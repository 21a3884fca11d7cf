/* SPDX-License-Identifier: Apache-2.0 */
/* Port to a bare Arm Cortex-M: cycles from the core's DWT unit (none on M0, M0+ and M23, which have no such counter). The
 * line and the flash are your board's: write board_open, board_get, board_put and board_flash in a file of your own,
 * which then take the place of the weak ones below. */
#include "tp_port.h"

#include <stddef.h>

#define WEAK __attribute__((weak))

void board_open(void);
int board_get(void);
void board_put(uint8_t byte);
const tp_flash *board_flash(void);

/* Clocks, pins, the UART. */
WEAK void board_open(void)
{
}

/* The byte in the UART's receive register, or -1 where its flag says that there is none. */
WEAK int board_get(void)
{
    return -1;
}

/* Waits until the UART's transmit register is free, then writes to it. Until this is yours, read what the self-test says
 * with a debugger: main returns 0 where it passed. */
WEAK void board_put(uint8_t byte)
{
    (void)byte;
}

/* The driver of pages that the linker keeps free; docs of tp_checkpoint.h say what its callbacks do. */
WEAK const tp_flash *board_flash(void)
{
    return NULL;
}

#if defined(__ARM_ARCH_7M__) || defined(__ARM_ARCH_7EM__) || defined(__ARM_ARCH_8M_MAIN__) \
    || defined(__ARM_ARCH_8_1M_MAIN__)
/* Armv7-M Architecture Reference Manual, C1.6.5 and C1.8: the same addresses in Armv8-M. */
#define DEMCR (*(volatile uint32_t *)0xE000EDFCU)
#define DWT_CTRL (*(volatile uint32_t *)0xE0001000U)
#define DWT_CYCCNT (*(volatile uint32_t *)0xE0001004U)

static void start_counter(void)
{
    DEMCR |= 1U << 24; /* TRCENA */
    DWT_CYCCNT = 0U;
    DWT_CTRL |= 1U; /* CYCCNTENA */
}

uint32_t tp_port_cycles(void)
{
    return DWT_CYCCNT;
}
#else
static void start_counter(void)
{
}

uint32_t tp_port_cycles(void)
{
    return 0U;
}
#endif

const char *tp_port_unit(void)
{
    return "cycles";
}

void tp_port_open(void)
{
    board_open();
    start_counter();
}

int tp_port_get(void)
{
    return board_get();
}

void tp_port_put(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0U; i < count; ++i) {
        board_put(bytes[i]);
    }
}

const tp_flash *tp_port_flash(void)
{
    return board_flash();
}
