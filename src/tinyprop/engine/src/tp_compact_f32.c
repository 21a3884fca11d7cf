/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Moves the non-zeros of values[size] to its front, in order, and their indices to index[size]; returns how many. */
TP_KERNEL uint32_t tp_compact_f32(float *values, tp_index *index, uint32_t size)
{
    const float *from = values;
    float *to = values;
    TP_ROLLED for (uint32_t i = 0U; i + 2U <= size; i += 2U) {
        const tp_pair bits = tp_next_pair(&from);
        if (bits.first << 1 != 0U) {
            *to++ = tp_float_of(bits.first);
            *index++ = (tp_index)i;
        }
        if (bits.second << 1 != 0U) {
            *to++ = tp_float_of(bits.second);
            *index++ = (tp_index)(i + 1U);
        }
    }
    if (size % 2U != 0U && tp_bits_of(*from) << 1 != 0U) {
        *to++ = *from;
        *index = (tp_index)(size - 1U);
    }
    return (uint32_t)(to - values);
}
