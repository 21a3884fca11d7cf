/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* The larger of two. */
TP_ALWAYS_INLINE uint32_t keep_above_larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* Bits of max|delta|, the signs shifted out. */
TP_ALWAYS_INLINE uint32_t keep_above_largest(const float *delta, uint32_t size)
{
    const uint32_t fours = size - size % 4U;
    uint32_t largest = 0U;
    TP_ROLLED for (uint32_t i = 0U; i < fours; i += 4U) {
        largest = keep_above_larger(largest, tp_bits_of(delta[i]) << 1);
        largest = keep_above_larger(largest, tp_bits_of(delta[i + 1U]) << 1);
        largest = keep_above_larger(largest, tp_bits_of(delta[i + 2U]) << 1);
        largest = keep_above_larger(largest, tp_bits_of(delta[i + 3U]) << 1);
    }
    TP_ROLLED for (uint32_t i = fours; i < size; ++i) {
        largest = keep_above_larger(largest, tp_bits_of(delta[i]) << 1);
    }
    return largest >> 1;
}

/* Zeroes *delta if its magnitude, shifted by one, is below the bar; returns how many of `kept` are left. */
TP_ALWAYS_INLINE uint32_t keep_above_drop(float *delta, uint32_t bar, uint32_t kept)
{
    if (tp_bits_of(*delta) << 1 >= bar) {
        return kept;
    }
    *delta = 0.0f;
    return kept - 1U;
}

/* Keeps the non-zero entries with |delta| >= theta * max|delta|, zeroes the others, returns how many are kept.
 * Magnitudes are compared as integers, which order like the floats they are; four entries a turn. */
TP_KERNEL uint32_t tp_keep_above_f32(float *delta, uint32_t size, float theta)
{
    TP_COUNT(looks, 2U * size);
    const uint32_t largest = keep_above_largest(delta, size);
    uint32_t bar = tp_bits_of(theta * tp_float_of(largest));
    bar = (bar > 0U ? bar : 1U) << 1;
    const uint32_t fours = size - size % 4U;
    uint32_t kept = size;
    TP_ROLLED for (uint32_t i = 0U; i < fours; i += 4U) {
        kept = keep_above_drop(&delta[i], bar, kept);
        kept = keep_above_drop(&delta[i + 1U], bar, kept);
        kept = keep_above_drop(&delta[i + 2U], bar, kept);
        kept = keep_above_drop(&delta[i + 3U], bar, kept);
    }
    TP_ROLLED for (uint32_t i = fours; i < size; ++i) {
        kept = keep_above_drop(&delta[i], bar, kept);
    }
    return kept;
}
