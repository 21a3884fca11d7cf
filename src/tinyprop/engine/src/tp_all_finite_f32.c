/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

#include <string.h>

/* Looks at bits, not values: a comparison with NaN may be folded away, and a core without FPU compares slowly. */
TP_KERNEL int tp_all_finite_f32(const float *x, uint32_t size)
{
    uint32_t largest = 0U;
    for (uint32_t i = 0U; i < size; ++i) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        bits <<= 1; /* drops the sign: magnitudes order as integers */
        largest = bits > largest ? bits : largest;
    }
    return largest < 0xFF000000U;
}
