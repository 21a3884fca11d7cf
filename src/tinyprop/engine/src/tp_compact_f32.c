/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Moves the non-zeros of values[size] to its front, in order, and their indices to index[size]; returns how many. */
TP_KERNEL uint32_t tp_compact_f32(float *values, tp_index *index, uint32_t size)
{
    uint32_t kept = 0U;
    for (uint32_t i = 0U; i < size; ++i) {
        float value = values[i];
        if (tp_bits_of(value) << 1 != 0U) { /* cheaper than a comparison of floats */
            values[kept] = value;
            index[kept] = (tp_index)i;
            ++kept;
        }
    }
    return kept;
}
