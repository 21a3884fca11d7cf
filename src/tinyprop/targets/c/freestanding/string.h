/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine uses of string.h, for compilers that come without a C library. Their run-time library has the code. */
#ifndef TINYPROP_FREESTANDING_STRING_H
#define TINYPROP_FREESTANDING_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memset(void *to, int value, size_t bytes);

#endif
