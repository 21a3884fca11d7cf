/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Looks at bits, not values: a comparison with NaN may be folded away, and a core without FPU compares slowly.
 * Adding 2^23 to a magnitude carries into the sign bit exactly for infinity and NaN; the carries are collected. */
TP_KERNEL int tp_all_finite_f32(const float *x, uint32_t size)
{
    uint32_t carries = 0U;
    const uint32_t fours = size - size % 4U;
    for (uint32_t i = 0U; i < fours; i += 4U) {
        carries |= (tp_magnitude_bits(x[i]) + 0x00800000U) | (tp_magnitude_bits(x[i + 1U]) + 0x00800000U)
                   | (tp_magnitude_bits(x[i + 2U]) + 0x00800000U) | (tp_magnitude_bits(x[i + 3U]) + 0x00800000U);
    }
    for (uint32_t i = fours; i < size; ++i) {
        carries |= tp_magnitude_bits(x[i]) + 0x00800000U;
    }
    return carries < 0x80000000U;
}
