/* SPDX-License-Identifier: Apache-2.0 */
/* Magnitudes are compared as integers, which order like the floats they are; the signs are shifted out. */
#include "tp_kernels.h"

#define TP_COUNT_8 \
    for (uint32_t pair = 0U; pair < 4U; ++pair) { \
        const tp_pair bits = tp_next_pair(&delta); \
        below = tp_count_below(tp_count_below(below, bar, bits.first), bar, bits.second); \
    }

/* How many entries are below the bar. */
TP_ALWAYS_INLINE uint32_t keep_above_count(const float *delta, uint32_t size, uint32_t bar)
{
    uint32_t below = 0U;
    TP_EIGHTS(size, TP_COUNT_8)
    TP_ROLLED for (uint32_t left = size % 8U; left != 0U; --left, ++delta) {
        below = tp_count_below(below, bar, tp_bits_of(*delta));
    }
    return below;
}

#undef TP_COUNT_8

/* Keeps the entries that reach the bar, a share of delta's norm, zeroes the others, returns how many are kept. All are
 * where more than 3/8 reach it, too few would be left out to be worth it; and, if they shall be, where none does though
 * they are not zero. */
TP_KERNEL uint32_t tp_keep_above_f32(float *delta, uint32_t size, float share, int all_if_none)
{
    uint32_t bar = tp_bits_of(share * tp_norm_f32(delta, size));
    bar = (bar > 0U ? bar : 1U) << 1;
    const uint32_t below = keep_above_count(delta, size, bar);
    TP_COUNT(looks, 2U * size);
    if (below < size - 3U * size / 8U || (below == size && all_if_none && bar > 2U)) { /* tp_selection_pays(size - below, size) */
        return size;
    }
    tp_drop_below(delta, size, bar);
    TP_COUNT(looks, size);
    return size - below;
}
