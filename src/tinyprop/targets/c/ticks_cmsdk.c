/* SPDX-License-Identifier: Apache-2.0 */
/* Timer 0 of the MPS2 boards (Arm CMSDK, 25 MHz, counts down). QEMU with -icount shift=0 runs one instruction per
 * nanosecond, so one tick is 40 instructions. */
#include "ticks.h"

#define TIMER0_CTRL (*(volatile uint32_t *)0x40000000u)
#define TIMER0_VALUE (*(volatile uint32_t *)0x40000004u)
#define TIMER0_RELOAD (*(volatile uint32_t *)0x40000008u)
#define INSTRUCTIONS_PER_TICK 40u

void ticks_open(void)
{
    TIMER0_RELOAD = UINT32_MAX;
    TIMER0_VALUE = UINT32_MAX;
    TIMER0_CTRL = 1u;
}

uint32_t ticks_now(void)
{
    return (UINT32_MAX - TIMER0_VALUE) * INSTRUCTIONS_PER_TICK;
}

void ticks_profile(uint32_t on)
{
    (void)on;
}
