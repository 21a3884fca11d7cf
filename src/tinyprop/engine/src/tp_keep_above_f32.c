/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Keeps the non-zero entries with |delta| >= theta * max|delta|, zeroes the others, returns how many are kept.
 * Magnitudes are compared as integers, which order like the floats they are. */
TP_KERNEL uint32_t tp_keep_above_f32(float *delta, uint32_t size, float theta)
{
    TP_COUNT(looks, 2U * size);
    uint32_t largest = 0U;
    for (uint32_t i = 0U; i < size; ++i) {
        const uint32_t magnitude = tp_magnitude_bits(delta[i]);
        largest = magnitude > largest ? magnitude : largest;
    }

    uint32_t bar = tp_bits_of(theta * tp_float_of(largest));
    bar = bar > 0U ? bar : 1U;
    uint32_t kept = 0U;
    for (uint32_t i = 0U; i < size; ++i) {
        if (tp_magnitude_bits(delta[i]) >= bar) {
            ++kept;
        } else {
            delta[i] = 0.0f;
        }
    }
    return kept;
}
