/* SPDX-License-Identifier: Apache-2.0 */
/* SysTick of Armv7-M and Armv8-M: 24 bits, counts down. QEMU with -icount shift=0 runs one instruction per nanosecond, so
 * one tick of the 32 MHz of Corstone-300 is 31.25 instructions. What is measured must be shorter than 2^24 ticks, half a
 * billion instructions: a second turn of the counter is not seen. */
#include "ticks.h"

#define SYST_CSR (*(volatile uint32_t *)0xE000E010u)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018u)
#define TICKS 0xFFFFFFu
#define ON_THE_CORES_CLOCK 5u

static uint64_t passed; /* ticks */
static uint32_t last;

void ticks_open(void)
{
    SYST_RVR = TICKS;
    SYST_CVR = 0u;
    SYST_CSR = ON_THE_CORES_CLOCK;
    last = SYST_CVR;
}

uint32_t ticks_now(void)
{
    const uint32_t now = SYST_CVR;
    passed += (last - now) & TICKS;
    last = now;
    return (uint32_t)(passed * 125u / 4u);
}

void ticks_profile(uint32_t on)
{
    (void)on;
}
