/* SPDX-License-Identifier: Apache-2.0 */
/* The cycle counter of Armv7-M's DWT unit. The emulator puts its exact instruction count there, for cores that have no
 * such unit too: on their hardware another port has to take this one's place. */
#include "ticks.h"

#define DWT_CTRL (*(volatile uint32_t *)0xE0001000u)
#define DWT_CYCCNT (*(volatile uint32_t *)0xE0001004u)
#define CYCCNTENA 1u
#define PCSAMPLENA_BIT 12u

void ticks_open(void)
{
    DWT_CTRL = CYCCNTENA;
}

uint32_t ticks_now(void)
{
    return DWT_CYCCNT;
}

void ticks_profile(uint32_t on)
{
    DWT_CTRL = CYCCNTENA | on << PCSAMPLENA_BIT;
}
