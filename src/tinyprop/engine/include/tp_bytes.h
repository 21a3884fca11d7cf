/* SPDX-License-Identifier: Apache-2.0 */
/* Words in rows of bytes, the low byte first whatever the core's own order is: of checkpoints and of frames. */
#ifndef TP_BYTES_H
#define TP_BYTES_H

#include "tp_config.h"

#include <stdint.h>

/* Not worth a copy wherever they are called: those who do wait for a flash or a line. */
TP_NOINLINE uint32_t tp_word(const uint8_t *bytes, uint32_t number)
{
    const uint8_t *b = bytes + 4U * number;
    return (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
}

TP_NOINLINE void tp_put_word(uint8_t *bytes, uint32_t number, uint32_t word)
{
    for (uint32_t i = 0U; i < 4U; ++i) {
        bytes[4U * number + i] = (uint8_t)(word >> 8U * i & 0xFFU);
    }
}

#endif
