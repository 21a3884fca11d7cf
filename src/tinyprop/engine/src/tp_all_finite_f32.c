/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Looks at bits, not values: a comparison with NaN may be folded away, and a core without FPU compares slowly.
 * Where an FPU loads runs it multiplies by zero and adds: what is finite comes to zero, infinity and NaN to NaN.
 * Elsewhere adding 2^23 to a magnitude carries into the sign bit exactly for infinity and NaN; the carries are collected. */
#define TP_ADD(i) nothing += run.v[i] * 0.0f;

TP_KERNEL int tp_all_finite_f32(const float *x, uint32_t size)
{
#if TP_BLOCK_TRANSFER
    float nothing = 0.0f;
    TP_ROLLED for (uint32_t left = size / 8U; left != 0U; --left, x += 8) {
        const tp_run8 run = tp_load8(x);
        TP_ADD(0) TP_ADD(1) TP_ADD(2) TP_ADD(3) TP_ADD(4) TP_ADD(5) TP_ADD(6) TP_ADD(7)
    }
    size %= 8U;
    uint32_t carries = tp_magnitude_bits(nothing) + 0x00800000U;
#else
    uint32_t carries = 0U;
#endif
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

#undef TP_ADD
