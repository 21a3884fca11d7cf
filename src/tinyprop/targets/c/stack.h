/* SPDX-License-Identifier: Apache-2.0 */
/* How deep the stack went: it is painted at the start, and what lost its paint was used. */
#ifndef TINYPROP_BOARD_STACK_H
#define TINYPROP_BOARD_STACK_H

#include <stdint.h>

/* Paints everything below the caller's frame. */
void stack_paint(void);

/* Bytes between `frame` and the lowest word that lost its paint. */
uint32_t stack_used_below(uintptr_t frame);

#endif
