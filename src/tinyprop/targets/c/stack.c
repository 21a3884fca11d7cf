/* SPDX-License-Identifier: Apache-2.0 */
#include "stack.h"

#define PAINT 0x5AFEC0DEu
/* stack_paint's own frame must survive its painting. */
#define OWN_FRAME_BYTES 64u

extern uint32_t board_stack_limit[];

void stack_paint(void)
{
    uintptr_t end = (uintptr_t)__builtin_frame_address(0) - OWN_FRAME_BYTES;
    for (volatile uint32_t *word = board_stack_limit; (uintptr_t)word < end; word++) {
        *word = PAINT;
    }
}

uint32_t stack_used_below(uintptr_t frame)
{
    const uint32_t *word = board_stack_limit;
    while ((uintptr_t)word < frame && *word == PAINT) {
        word++;
    }
    return (uint32_t)(frame - (uintptr_t)word);
}
