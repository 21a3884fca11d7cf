/* SPDX-License-Identifier: Apache-2.0 */
/* The port of the clock: one implementation per way of counting, chosen when the firmware is linked. */
#ifndef TINYPROP_BOARD_TICKS_H
#define TINYPROP_BOARD_TICKS_H

#include <stdint.h>

/* Starts the clock, once. */
void ticks_open(void);

/* Instructions (on hardware: cycles) so far; differences are right over a wrap. */
uint32_t ticks_now(void);

/* While on is 1, what is executed is counted instruction by instruction, where the port can. */
void ticks_profile(uint32_t on);

#endif
