/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Keeps every entry of delta; returns how many are not zero. The count is for the record: no looks are counted. */
TP_KERNEL uint32_t tp_keep_all_f32(const float *delta, uint32_t size)
{
    const float *from = delta;
    uint32_t zeros = 0U;
    TP_ROLLED for (uint32_t left = size / 8U; left != 0U; --left) {
        for (uint32_t pair = 0U; pair < 4U; ++pair) {
            const tp_pair bits = tp_next_pair(&from);
            zeros = tp_count_below(tp_count_below(zeros, 1U, bits.first), 1U, bits.second);
        }
    }
    TP_ROLLED for (uint32_t left = size % 8U; left != 0U; --left, ++from) {
        zeros = tp_count_below(zeros, 1U, tp_bits_of(*from));
    }
    return size - zeros;
}
